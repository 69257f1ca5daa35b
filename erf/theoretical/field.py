"""The theoretical receptive field of a layer: what every unit could read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int64

from erf.errors import SettingError, UnitError
from erf.geometry import Box

Status = Literal["exact", "upper_bound", "whole_image", "lower_bound"]
Unit = tuple[int, int]
Boxes = Int64[np.ndarray, "rows cols 4"]


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

    @property
    def reads_known(self) -> bool:
        """Whether supports and boxes beyond the border are known, as they are by rules."""
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

    def _check(self, unit: Unit) -> None:
        (row, col), (rows, cols) = unit, self.units
        if not (0 <= row < rows and 0 <= col < cols):
            raise UnitError(
                f"unit {row},{col} is outside layer {self.layer!r}, which has {rows}x{cols} units "
                f"(0,0 to {rows - 1},{cols - 1})"
            )
