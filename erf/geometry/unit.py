"""Units: which position and channel of which layer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from erf.errors import UnitError


@dataclass(frozen=True)
class Target:
    """What is watched: ``fc7`` (all positions), ``fc7@7,7`` or, one channel, ``fc7:12@7,7``.

    Attributes:
        layer: module path.
        unit: (row, col) in the layer, or None for every position.
        channel: one channel, or None for the L2 norm over all channels.
    """

    layer: str
    unit: tuple[int, int] | None = None
    channel: int | None = None

    def __str__(self) -> str:
        channel = "" if self.channel is None else f":{self.channel}"
        unit = "" if self.unit is None else f"@{self.unit[0]},{self.unit[1]}"
        return f"{self.layer}{channel}{unit}"


UnitName = str | tuple[int, int]


def parse_unit(text: str) -> UnitName:
    """Read ``center``, ``max``, ``all`` or ``ROW,COL`` (``grid:N``: see `spread_units`).

    Raises:
        UnitError: when ``text`` is none of them.
    """
    if text in ("center", "max", "all"):
        return text
    match = re.fullmatch(r"\s*(\d{1,9})\s*,\s*(\d{1,9})\s*", text)
    if not match:
        raise UnitError(f"unit {text!r} is none of center, max, all or ROW,COL (such as 7,7)")
    return int(match[1]), int(match[2])


def locate(
    unit: UnitName, size: tuple[int, int], strongest: tuple[int, int], layer: str
) -> tuple[int, int] | None:
    """Turn a unit's name into its position in a layer of ``size`` (rows, cols).

    Args:
        unit: ``center``, ``max``, ``all`` or (row, col).
        size: (rows, cols) of the layer.
        strongest: position of the strongest clean response, which ``max`` stands for.
        layer: for the message.

    Raises:
        UnitError: when the position is not in the layer.
    """
    rows, cols = size
    position = parse_unit(unit) if isinstance(unit, str) else unit
    if position == "all":
        return None
    if position == "center":
        return rows // 2, cols // 2
    if position == "max":
        return strongest
    assert not isinstance(position, str)
    row, col = position
    if not (0 <= row < rows and 0 <= col < cols):
        raise UnitError(
            f"unit {row},{col} is outside layer {layer!r}, which has {rows}x{cols} units "
            f"(0,0 to {rows - 1},{cols - 1})"
        )
    return row, col


def spread_units(text: str, size: tuple[int, int], layer: str) -> list[tuple[int, int]]:
    """The units that ``grid:N`` stands for: N by N of them, spread evenly over a layer.

    Args:
        text: such as ``grid:5``.
        size: (rows, cols) of the layer.
        layer: for the message.

    Raises:
        UnitError: when N is no number from 1 to the layer's smaller side.
    """
    match = re.fullmatch(r"grid:(\d{1,9})", text)
    if not match:
        raise UnitError(f"units {text!r} are not grid:N (such as grid:5)")
    number = int(match[1])
    if not 1 <= number <= min(size):
        height, width = size
        raise UnitError(
            f"units {text!r} do not fit layer {layer!r}, which has {height}x{width} units: "
            f"N must be from 1 to {min(size)}"
        )
    rows, cols = ([(2 * i + 1) * side // (2 * number) for i in range(number)] for side in size)
    return [(row, col) for row in rows for col in cols]
