"""Theoretical fields in lines of at most 80 columns, for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from erf.errors import UnitError
from erf.geometry import locate, parse_unit
from erf.theoretical.field import TheoreticalField
from erf.theoretical.table import TheoryTable

WIDTH = 80


def table_lines(table: TheoryTable, depth: int | None = None) -> Iterable[str]:
    """A line a layer, and why some are no exact fields.

    Args:
        table: of all layers.
        depth: only so many levels of modules.
    """
    rows = [row for row in table if depth is None or row.layer.count(".") < depth]
    heads = ("layer", "units", "size", "stride", "padding", "status")
    cells = [_cells(row) for row in rows]
    widths = [max(len(line[c]) for line in [heads, *cells]) for c in range(1, 6)]
    room = min(WIDTH - sum(widths) - 2 * 5, max(len(line[0]) for line in [heads, *cells]))
    for line in [heads, *cells]:
        name = line[0] if len(line[0]) <= room else "…" + line[0][1 - room :]
        numbers = [f"{cell:>{w}}" for cell, w in zip(line[1:5], widths[:4], strict=True)]
        yield "  ".join([f"{name:<{room}}", *numbers, line[5]]).rstrip()
    reasons = {(row.status, row.reasons) for row in rows if row.reasons}
    for status, names in sorted(reasons):
        yield from _wrapped(f"{status.replace('_', ' ')} by {', '.join(names)}")


def describe_field(
    field: TheoreticalField, model: str, unit: tuple[int, int] | None = None
) -> list[str]:
    """Everything about one layer's field, a line each.

    Args:
        field: of the layer.
        model: its name.
        unit: (row, col) whose box is told too.
    """
    reasons = f" by {', '.join(field.reasons)}" if field.reasons else ""
    lines = {
        "units": _by(field.units),
        "size": f"{_by(field.size)} pixels",
        "stride": _by(field.stride),
        "padding": _by(field.padding),
        "status": field.status.replace("_", " ") + reasons,
    }
    if unit is not None:
        lines |= _unit_lines(field, unit)
    told = [f"{field.layer} of {model} at {_by(field.image_size)}"]
    for name, text in lines.items():
        told += _wrapped(f"  {name:<11}{text}")
    return told


def find_position(field: TheoreticalField, unit: str) -> tuple[int, int]:
    """The (row, col) of a unit's name, ``ROW,COL`` or ``center``.

    Raises:
        UnitError: when it is another name, or outside the layer.
    """
    name = parse_unit(unit)
    if name in ("max", "all"):
        raise UnitError(f"unit {unit!r} is for probes; a theoretical field has ROW,COL or center")
    position = locate(name, field.units, (0, 0), field.layer)
    assert position is not None
    return position


def _unit_lines(field: TheoreticalField, unit: tuple[int, int]) -> dict[str, str]:
    box = field.box(unit)
    lines = {
        "unit": "{},{}".format(*unit),
        "rows": f"{box.top} to {box.bottom - 1} of the image ({box.height})",
        "columns": f"{box.left} to {box.right - 1} of the image ({box.width})",
    }
    if field.reads_known:
        wide = field.box(unit, clipped=False)
        lines["unclipped"] = (
            f"rows {wide.top} to {wide.bottom - 1}, columns {wide.left} to {wide.right - 1}"
        )
        lines["read"] = f"{field.support(unit).sum()} of the {box.area} pixels of that box"
    return lines


def _cells(row: TheoreticalField) -> tuple[str, ...]:
    pairs = (row.units, row.size, row.stride, row.padding)
    return (row.layer, *(_pair(pair) for pair in pairs), row.status.replace("_", " "))


def _pair(pair: tuple[int | None, int | None]) -> str:
    rows, cols = ("-" if value is None else str(value) for value in pair)
    return rows if rows == cols else f"{rows}x{cols}"


def _by(pair: tuple[int | None, int | None]) -> str:
    return " x ".join("-" if value is None else str(value) for value in pair)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ")
