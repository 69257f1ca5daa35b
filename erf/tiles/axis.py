"""Tiles along one axis: where they may start, and what of each is kept. Integers only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import ceil, lcm

import numpy as np
from jaxtyping import Int64

from erf.errors import TilingError

Spans = Int64[np.ndarray, "units 2"]


@dataclass(frozen=True)
class Piece:
    """One tile along one axis.

    Attributes:
        start, stop: pixels of the image that the tile holds.
        first, last: units of the whole layer that are kept of it; ``last`` is the first one not.
        skipped: units of the tile's own output before the first that is kept.
    """

    start: int
    stop: int
    first: int
    last: int
    skipped: int


@dataclass(frozen=True)
class Period:
    """A unit ``units`` further on reads exactly ``pixels`` further on: the phase of a network."""

    pixels: int
    units: int

    def up_to(self, pixels: int) -> int:
        """The first multiple of the period that is not less."""
        return ceil(pixels / self.pixels) * self.pixels


@dataclass(frozen=True)
class TiledAxis:
    """How an axis is cut into tiles.

    Attributes:
        size: pixels of the image.
        tile: pixels of a tile; the last one may be shorter.
        units: of the layer, for the whole image.
        period: tiles may start at multiples of its pixels.
        dropped: units at a tile's beginning that do not count, unless the image begins there.
        kept: units of a tile up to the first at its end that does not count.
    """

    size: int
    tile: int
    units: int
    period: Period
    dropped: int
    kept: int

    @property
    def stride(self) -> float:
        """Pixels from a unit to its neighbour."""
        return self.period.pixels / self.period.units

    @property
    def origin(self) -> float:
        """Where the first unit's pixels begin: units lie in the middle of the image."""
        return (self.size - self.units * self.stride) / 2

    @property
    def margins(self) -> tuple[float, float]:
        """Pixels at the beginning and at the end of a tile whose units do not count."""
        if self.tile >= self.size:
            return 0.0, 0.0
        before = self.origin + self.dropped * self.stride
        return before, self.tile - self.origin - self.kept * self.stride

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The tiles, in order, as few as possible: each begins as late as it may."""
        pieces: list[Piece] = []
        start = done = 0
        final = max(0, self.period.up_to(self.size - self.tile))
        while True:
            offset = start // self.period.pixels * self.period.units
            last = self.units if start == final else min(self.units, offset + self.kept)
            stop = min(start + self.tile, self.size)
            pieces.append(Piece(start, stop, done, last, done - offset))
            if start == final:
                return tuple(pieces)
            done = last
            steps = (done - self.dropped) // self.period.units
            start = min(steps * self.period.pixels, final)

    def widened(self, before: float, after: float) -> TiledAxis:
        """With margins of at least so many pixels instead.

        Raises:
            TilingError: they leave less than a step.
        """
        if self.tile >= self.size:
            return self
        dropped = max(0, ceil((before - self.origin) / self.stride))
        # Where convolutions have no padding, a tile has no units nearer to its end than the first.
        kept = int((self.tile - max(after, self.origin) - self.origin) // self.stride)
        if kept < dropped + self.period.units:
            raise TilingError(
                f"margins of {before:g} and {after:g} px leave less than the step of "
                f"{self.period.pixels} px of a tile of {self.tile} px"
            )
        return replace(self, dropped=dropped, kept=kept)


def find_period(spans: Spans, strides: Iterable[int]) -> Period | None:
    """The smallest shift after which all units read alike; None where there is none to be seen.

    Args:
        spans: what units read, as if the image had no border.
        strides: of the layers before, which the shift has to be a multiple of too: what they
            leave out does not show in the spans.
    """
    reads = spans[:, 0] < spans[:, 1]
    for units in range(1, len(spans) // 2 + 1):
        shifts = (spans[units:] - spans[:-units])[reads[units:] & reads[:-units]]
        alike = (reads[units:] == reads[:-units]).all()
        if alike and len(shifts) and shifts[0, 0] > 0 and (shifts == shifts[0, 0]).all():
            pixels = int(shifts[0, 0])
            common = lcm(pixels, *strides)
            return Period(common, units * common // pixels)
    return None


def cut(size: int, tile: int, spans: Spans, period: Period) -> TiledAxis:
    """The axis cut with the smallest margins that leave every kept unit what it reads.

    Args:
        size: pixels of the image.
        tile: pixels of a tile.
        spans: what units read, as if the image had no border.
        period: of the units.

    Raises:
        TilingError: the tile is too small for its margins; the message says which would do.
    """
    if tile >= size:
        return TiledAxis(size, size, len(spans), period, 0, len(spans))
    reads = spans[:, 0] < spans[:, 1]
    early = np.flatnonzero(reads & (spans[:, 0] < 0))
    late = np.flatnonzero(reads & (spans[:, 1] > tile))
    dropped = int(early[-1]) + 1 if len(early) else 0
    kept = int(late[0]) if len(late) else len(spans)
    while kept and not reads[kept - 1]:  # a tile by itself may end before a unit without a field
        kept -= 1
    needed = dropped + period.units
    if kept < needed:
        least = int(spans[:needed, 1].max()) if needed <= len(spans) else size
        raise TilingError(
            f"a tile of {tile} px is too small: what units near its ends read leaves less than "
            f"the step of {period.pixels} px; the smallest that will do has {min(least, size)} px"
        )
    return TiledAxis(size, tile, len(spans), period, dropped, kept)
