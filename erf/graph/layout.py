"""What the dimensions of a tensor mean: batch, channels, rows, columns, or pieces of them.

A dimension is a tuple of *digits*, most significant first. The map ``(n, c, h, w)`` has one digit a
dimension. Cutting it into windows of seven splits the digit of rows in two (row // 7 and row % 7),
which may then be permuted and merged with others; merging them back in order restores the row.
So positions survive any chain of view and permute, and a spatial rule knows its axes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from math import prod


class Axis(Enum):
    """What a digit counts."""

    BATCH = "batch"
    CHANNEL = "channel"
    ROW = "row"
    COL = "col"
    LOST = "lost"
    """A position, but nobody knows which: such as tokens with a class token before them."""


@dataclass(frozen=True)
class Digit:
    """``size`` values, each worth ``step`` positions along ``axis``."""

    axis: Axis
    size: int
    step: int = 1


Dim = tuple[Digit, ...]
SPATIAL = (Axis.ROW, Axis.COL)


PLACED = (*SPATIAL, Axis.LOST)


def has_position(dim: Dim) -> bool:
    """Whether a dimension holds any position."""
    return any(digit.axis in PLACED for digit in dim)


def channel(size: int) -> Dim:
    """A dimension of ``size`` channels (features without a position)."""
    return (Digit(Axis.CHANNEL, size),)


@dataclass(frozen=True)
class Layout:
    """The meaning of every dimension of a tensor."""

    dims: tuple[Dim, ...]

    @classmethod
    def plain(cls, shape: Sequence[int]) -> Layout:
        """(batch, channels, rows, cols)."""
        axes = (Axis.BATCH, Axis.CHANNEL, Axis.ROW, Axis.COL)
        return cls(tuple((Digit(a, s),) for a, s in zip(axes, shape, strict=True)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the dimensions."""
        return tuple(prod(digit.size for digit in dim) for dim in self.dims)

    def digits(self, axis: Axis) -> list[Digit]:
        """All digits of an axis, in the order of the dimensions."""
        return [digit for dim in self.dims for digit in dim if digit.axis is axis]

    def size(self, axis: Axis) -> int:
        """Positions along an axis: 1 where it has none."""
        return prod(digit.size for digit in self.digits(axis))

    @property
    def map_size(self) -> tuple[int, int]:
        """(rows, cols) of positions."""
        return self.size(Axis.ROW), self.size(Axis.COL)

    def dim_of(self, axis: Axis) -> int | None:
        """The one dimension that is this axis and nothing else, or None."""
        found = [d for d, dim in enumerate(self.dims) if any(g.axis is axis for g in dim)]
        if len(found) == 1 and len(self.dims[found[0]]) == 1:
            return found[0]
        return None

    @property
    def batch_dim(self) -> int | None:
        """Dimension that is the batch and nothing else."""
        return self.dim_of(Axis.BATCH)

    @property
    def row_dim(self) -> int | None:
        """Dimension that is the rows and nothing else."""
        return self.dim_of(Axis.ROW)

    @property
    def col_dim(self) -> int | None:
        """Dimension that is the columns and nothing else."""
        return self.dim_of(Axis.COL)

    @property
    def is_map(self) -> bool:
        """Whether rows and columns are dimensions of their own and nothing is lost."""
        return self.row_dim is not None and self.col_dim is not None and not self.lost

    @property
    def turned(self) -> bool:
        """Whether a map has its columns before its rows."""
        return self.is_map and (self.row_dim or 0) > (self.col_dim or 0)

    @property
    def lost(self) -> bool:
        """Whether some position is of unknown place."""
        return bool(self.digits(Axis.LOST))

    @property
    def positioned(self) -> bool:
        """Whether there is any position at all: False for a vector of features."""
        return self.lost or self.map_size != (1, 1)

    def permute(self, order: Sequence[int]) -> Layout:
        """Dimensions in a new order."""
        return Layout(tuple(self.dims[d] for d in order))

    def replace(self, dim: int, new: Dim) -> Layout:
        """Another meaning for one dimension."""
        dim %= len(self.dims)
        return Layout((*self.dims[:dim], new, *self.dims[dim + 1 :]))

    def drop(self, dims: Sequence[int]) -> Layout:
        """Without these dimensions."""
        gone = {dim % len(self.dims) for dim in dims}
        return Layout(tuple(dim for d, dim in enumerate(self.dims) if d not in gone))

    def reshape(self, shape: Sequence[int]) -> Layout:
        """The same elements in row-major order under another shape.

        Where a boundary falls inside a digit that it does not divide, positions are lost.
        """
        cutter = _Cutter(digit for dim in self.dims for digit in dim if digit.size > 1)
        dims = tuple(cutter.take(size) for size in reversed(shape))[::-1]
        return Layout(dims).merged()

    def merged(self) -> Layout:
        """Neighbouring digits of one dimension joined where they count on: row // 7, row % 7."""
        return Layout(tuple(_join(dim) for dim in self.dims))

    def settled(self) -> Layout:
        """With the steps of remaining digits counted anew, and maps of one row or column named.

        Of four dimensions the last two are rows and columns, unless positions are elsewhere.
        """
        steps = {axis: _ranks(self.digits(axis)) for axis in SPATIAL}
        dims = [
            tuple(Digit(g.axis, g.size, steps[g.axis][g]) if g.axis in SPATIAL else g for g in dim)
            for dim in self.dims
        ]
        if len(dims) == 4 and not self.lost:
            for d, axis in ((2, Axis.ROW), (3, Axis.COL)):
                if not dims[d] and not self.digits(axis):
                    dims[d] = (Digit(axis, 1),)
        return Layout(tuple(dims))

    def forget(self) -> Layout:
        """With every position lost."""
        return Layout(
            tuple(
                _join(tuple(Digit(Axis.LOST, g.size) if g.axis in SPATIAL else g for g in dim))
                for dim in self.dims
            )
        )


def _ranks(digits: Sequence[Digit]) -> dict[Digit, int]:
    ranks: dict[Digit, int] = {}
    step = 1
    for digit in sorted(digits, key=lambda digit: digit.step):
        ranks[digit] = step
        step *= digit.size
    return ranks


def _join(dim: Dim) -> Dim:
    joined: list[Digit] = []
    for digit in dim:
        last = joined[-1] if joined else None
        if last and last.axis is digit.axis:
            unordered = digit.axis in (Axis.CHANNEL, Axis.LOST)
            if unordered or last.step == digit.step * digit.size:
                joined[-1] = Digit(digit.axis, last.size * digit.size, digit.step)
                continue
        joined.append(digit)
    return tuple(joined)


class _Cutter:
    """Takes digits from the least significant end, cutting them where a dimension ends."""

    def __init__(self, digits: Iterator[Digit]) -> None:
        self.digits = list(digits)

    def take(self, size: int) -> Dim:
        """The digits of a dimension of ``size``."""
        taken: list[Digit] = []
        left = size
        while left > 1:
            digit = self.digits.pop()
            if left % digit.size == 0:
                taken.insert(0, digit)
                left //= digit.size
            elif digit.size % left == 0:
                low = Digit(digit.axis, left, digit.step)
                self.digits.append(Digit(digit.axis, digit.size // left, digit.step * left))
                taken.insert(0, low)
                left = 1
            else:
                return self._lose(taken, digit, left)
        return tuple(taken)

    def _lose(self, taken: list[Digit], digit: Digit, left: int) -> Dim:
        """A dimension ends inside an indivisible digit: nothing before it keeps its meaning."""
        self.digits.append(digit)
        have = prod(d.size for d in taken) * left
        rest = prod(d.size for d in self.digits) // left
        axis = Axis.LOST if self._spatial(taken) else Axis.CHANNEL
        self.digits = [Digit(axis, rest)]
        return (Digit(axis, have),)

    def _spatial(self, taken: list[Digit]) -> bool:
        return any(d.axis in (*SPATIAL, Axis.LOST) for d in [*self.digits, *taken])
