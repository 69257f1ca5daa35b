"""The theoretical receptive field: what the units of a layer could read, and one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int64

from erf.errors import SettingError, UnitError
from erf.geometry import Box

Status = Literal["exact", "upper_bound", "whole_image", "lower_bound", "unknown"]
Unit = tuple[int, int]
Boxes = Int64[np.ndarray, "rows cols 4"]
Spans = tuple[Int64[np.ndarray, "rows 2"], Int64[np.ndarray, "cols 2"]]


@dataclass(frozen=True)
class UnitTheory:
    """The theoretical field of one unit: `TheoreticalField.unit` gives it.

    Attributes:
        box: pixels of the image that can reach this unit.
        size: (rows, cols) of an interior unit's field, padding included; None when unknown.
        unclipped: the box as if the image had no border; None when unknown.
        status: as of `TheoreticalField`; ``unknown`` where the model has no graph.
        reasons: operators responsible when the status is not ``exact``.
    """

    box: Box
    size: tuple[int, int] | None = None
    unclipped: Box | None = None
    status: Status = "unknown"
    reasons: tuple[str, ...] = ()

    @property
    def center(self) -> tuple[float, float] | None:
        """The middle of the field as if there were no border; None where it has none of its own."""
        if self.unclipped is None or self.unclipped.empty or self.status == "whole_image":
            return None
        return self.unclipped.center


@dataclass(frozen=True, eq=False)
class TheoreticalField:
    """Fields of all units of one layer. Rows before columns, pixels, boxes half-open.

    Attributes:
        layer: module path.
        image_size: (rows, cols) of the image.
        units: (rows, cols) of units; (1, 1) for an output without positions, such as class scores.
        size: (rows, cols) of the widest field, not clipped at the image's border.
        stride: (rows, cols) from a unit's field to its neighbour's, None along an axis on which
            they are not all alike: after interpolation, windowed attention or global pooling.
        padding: (rows, cols) by which the first unit's field begins before the image; None where
            stride is.
        status: ``exact``; ``whole_image`` where, exactly, every unit reads the whole image by a
            global operator; ``upper_bound`` where some operator has no exact rule.
        reasons: the operators responsible for a status other than ``exact``.
        channel_dim: dimension of the layer's output that holds the channels of a map.
        kind: class of the module.
    """

    layer: str
    image_size: tuple[int, int]
    units: tuple[int, int]
    size: tuple[int, int]
    stride: tuple[int | None, int | None]
    padding: tuple[int | None, int | None]
    status: Status
    reasons: tuple[str, ...]
    channel_dim: int
    _clipped: Callable[[], Boxes] = field(repr=False)
    _unclipped: Callable[[], Boxes] | None = field(repr=False)
    _support: Callable[[Unit], Bool[np.ndarray, "height width"]] | None = field(repr=False)
    kind: str = ""
    _spans: Callable[[bool], Spans] | None = field(default=None, repr=False)

    @property
    def border_known(self) -> bool:
        """Whether boxes are known as if the image had no border, as they are by rules."""
        return self._unclipped is not None

    @property
    def reads_known(self) -> bool:
        """Whether supports are known, as they are by rules."""
        return self._support is not None

    def boxes(self, *, clipped: bool = True) -> Boxes:
        """(top, left, bottom, right) of every unit; all zero for a unit that reads no pixel.

        Args:
            clipped: the pixels of the image that are read. Else the field as if the image had no
                border: nothing is padding, clamped, mirrored or wrapped.

        Raises:
            SettingError: for fields beyond the border if only NaN probing was done.
        """
        if clipped:
            return self._clipped()
        if self._unclipped is None:
            raise SettingError("NaN probing sees pixels of the image only, so clipped must be True")
        return self._unclipped()

    def spans(self, *, clipped: bool = True) -> Spans:
        """What rows of units read along rows, and columns along columns: two numbers for each.

        First pixel and the one after the last, over all units of the row (or column); 0, 0 where
        none reads anything. It takes a line of memory where `boxes` takes a map.

        Args:
            clipped: as of `boxes`.

        Raises:
            SettingError: if only NaN probing was done.

        Example:
            >>> from torch import nn
            >>> import erf
            >>> model = nn.Conv2d(3, 4, 3, stride=2)
            >>> rows, cols = erf.theoretical_field(model, "output", image_size=(8, 6)).spans()
            >>> rows.tolist(), cols.tolist()
            ([[0, 3], [2, 5], [4, 7]], [[0, 3], [2, 5]])
        """
        if self._spans is None:
            raise SettingError("NaN probing finds boxes, not spans: use method='graph'")
        return self._spans(clipped)

    def interior(self) -> list[Unit]:
        """Units whose field lies wholly inside the image, row by row; needs a known border."""
        inside = (self.boxes() == self.boxes(clipped=False)).all(axis=-1)
        return [(int(row), int(col)) for row, col in np.argwhere(inside)]

    def box(self, unit: Unit, *, clipped: bool = True) -> Box:
        """The smallest box with all pixels that a unit reads, as in `boxes`.

        Raises:
            UnitError: when the unit is not in the layer.
        """
        self._check(unit)
        return Box(*(int(end) for end in self.boxes(clipped=clipped)[unit]))

    def support(self, unit: Unit) -> Bool[np.ndarray, "height width"]:
        """The pixels that a unit really reads: dilation leaves holes in its box.

        Raises:
            UnitError: when the unit is not in the layer.
            SettingError: if only NaN probing was done.
        """
        self._check(unit)
        if self._support is None:
            raise SettingError("NaN probing finds boxes, not supports: use method='graph'")
        return self._support(unit)

    def unit(self, unit: Unit) -> UnitTheory:
        """The field of one unit.

        Raises:
            UnitError: when the unit is not in the layer.

        Example:
            >>> from torch import nn
            >>> import erf
            >>> field = erf.theoretical_field(nn.Sequential(nn.Conv2d(3, 4, 5, padding=2)), "0")
            >>> field.unit((0, 0)).box
            Box(top=0, left=0, bottom=3, right=3)
        """
        unclipped = self.box(unit, clipped=False) if self._unclipped is not None else None
        return UnitTheory(self.box(unit), self.size, unclipped, self.status, self.reasons)

    def record(self) -> dict[str, str | int | None]:
        """Flat, one value a column: a row of a table."""
        pairs = {
            f"{name}_{axis}": value
            for name in ("units", "size", "stride", "padding")
            for axis, value in zip(("rows", "cols"), getattr(self, name), strict=True)
        }
        head = {"layer": self.layer, "kind": self.kind}
        return {**head, **pairs, "status": self.status, "reasons": "; ".join(self.reasons)}

    def _check(self, unit: Unit) -> None:
        (row, col), (rows, cols) = unit, self.units
        if not (0 <= row < rows and 0 <= col < cols):
            raise UnitError(
                f"unit {row},{col} is outside layer {self.layer!r}, which has {rows}x{cols} units "
                f"(0,0 to {rows - 1},{cols - 1})"
            )
