"""Which input indices an output index reads, along one axis: pure arithmetic.

Every spatial operator of a network is, along rows and along columns, one *relation*. Indices are
unlimited integers: what lies outside ``[0, size)`` is padding, which the caller drops (or keeps,
to learn the size of a field as if the image never ended). Intervals are half-open; ``lo >= hi`` is
empty. All methods take whole arrays.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64

Index = Int64[np.ndarray, "..."]
Hull = tuple[Index, Index]
Taps = tuple[Int64[np.ndarray, "n taps"], Bool[np.ndarray, "#n #taps"]]


class Relation(ABC):
    """One axis of one operator: outputs on one side, inputs on the other."""

    def reads(self, lo: Index | int, hi: Index | int) -> Hull:
        """Smallest interval with every input that outputs ``lo`` to ``hi - 1`` read."""
        return _mapped(self._reads, lo, hi)

    def reaches(self, lo: Index | int, hi: Index | int) -> Hull:
        """An interval with every output that reads an input of ``lo`` to ``hi - 1``.

        The smallest, except that dilated taps may straddle the inputs.
        """
        return _mapped(self._reaches, lo, hi)

    def taps(self, outputs: Int64[np.ndarray, " n"]) -> Taps:
        """The inputs each output reads, and which entries are meant (the others are filler)."""
        taps, meant = self._taps(as_index(outputs))
        return taps, np.broadcast_to(meant, taps.shape)

    @property
    def unbounded(self) -> Relation:
        """The same operator on a map without borders: nothing is clamped, mirrored or wrapped."""
        return self

    @property
    def identity(self) -> bool:
        """Whether output ``o`` reads input ``o`` alone."""
        return False

    @abstractmethod
    def _reads(self, lo: Index, hi: Index) -> Hull: ...

    @abstractmethod
    def _reaches(self, lo: Index, hi: Index) -> Hull: ...

    @abstractmethod
    def _taps(self, outputs: Int64[np.ndarray, " n"]) -> Taps: ...


def as_index(value: Index | int | Sequence[int]) -> Index:
    """A 64-bit integer array."""
    return np.asarray(value, dtype=np.int64)


def _mapped(side: Callable[[Index, Index], Hull], lo: Index | int, hi: Index | int) -> Hull:
    """Apply one direction of a relation; what is empty stays empty."""
    start, stop = np.broadcast_arrays(as_index(lo), as_index(hi))
    shape = start.shape
    # NumPy turns arrays without axes into scalars as soon as it calculates with them.
    start, stop = np.atleast_1d(start, stop)
    first, last = side(start, stop)
    filled = (start < stop) & (first < last)
    return np.where(filled, first, 0).reshape(shape), np.where(filled, last, 0).reshape(shape)


ALL = np.ones((1, 1), dtype=bool)
"""Every tap is meant."""


@dataclass(frozen=True)
class Window(Relation):
    """A sliding window: convolution, pooling; with kernel 1 also slicing, cropping and padding.

    Output ``o`` reads ``o * stride - padding + dilation * t`` for ``t`` below ``kernel``.
    """

    kernel: int = 1
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    @property
    def span(self) -> int:
        """Inputs from the first to the last tap, both included."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def identity(self) -> bool:
        """Whether output ``o`` reads input ``o`` alone."""
        return (self.kernel, self.stride, self.padding) == (1, 1, 0)

    def _reads(self, lo: Index, hi: Index) -> Hull:
        first = lo * self.stride - self.padding
        return first, (hi - 1) * self.stride - self.padding + self.span

    def _reaches(self, lo: Index, hi: Index) -> Hull:
        first = -((self.span - 1 - self.padding - lo) // self.stride)
        last = (hi - 1 + self.padding) // self.stride
        return first, last + 1

    def _taps(self, outputs: Int64[np.ndarray, " n"]) -> Taps:
        first = outputs * self.stride - self.padding
        return first[:, None] + np.arange(self.kernel)[None, :] * self.dilation, ALL


IDENTITY = Window()


@dataclass(frozen=True)
class Transposed(Relation):
    """A transposed convolution: the window's relation with inputs and outputs exchanged.

    Input ``i`` is spread over ``i * stride - padding + dilation * t``. Where ``kernel < stride``
    some outputs read nothing.
    """

    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    @property
    def window(self) -> Window:
        """The convolution of which this is the transpose."""
        return Window(self.kernel, self.stride, self.padding, self.dilation)

    def _reads(self, lo: Index, hi: Index) -> Hull:
        return self.window.reaches(lo, hi)

    def _reaches(self, lo: Index, hi: Index) -> Hull:
        return self.window.reads(lo, hi)

    def _taps(self, outputs: Int64[np.ndarray, " n"]) -> Taps:
        offsets = np.arange(self.kernel) * self.dilation - self.padding
        shifted = outputs[:, None] - offsets[None, :]
        return shifted // self.stride, shifted % self.stride == 0


@dataclass(frozen=True)
class Whole(Relation):
    """Every output reads all of ``[0, size)``: global pooling, attention, broadcasting of one."""

    size: int

    def _reads(self, lo: Index, hi: Index) -> Hull:
        return np.zeros_like(lo), np.full_like(hi, self.size)

    def _reaches(self, lo: Index, hi: Index) -> Hull:
        # How many outputs there are is not known here: the caller clips.
        inside = (lo < self.size) & (hi > 0)
        return np.where(inside, -EVERYTHING, 0), np.where(inside, EVERYTHING, 0)

    def _taps(self, outputs: Int64[np.ndarray, " n"]) -> Taps:
        return np.tile(np.arange(self.size), (len(outputs), 1)), ALL


EVERYTHING = 2**40
"""Larger than any map: the bound of an interval that has none."""


@dataclass(frozen=True)
class Adaptive(Relation):
    """Adaptive pooling: output ``o`` reads ``floor(o * n / m)`` to ``ceil((o + 1) * n / m)``."""

    inputs: int
    outputs: int

    def _reads(self, lo: Index, hi: Index) -> Hull:
        return lo * self.inputs // self.outputs, -(-hi * self.inputs // self.outputs)

    def _reaches(self, lo: Index, hi: Index) -> Hull:
        return lo * self.outputs // self.inputs, -(-hi * self.outputs // self.inputs)

    def _taps(self, outputs: Int64[np.ndarray, " n"]) -> Taps:
        lo, hi = self.reads(outputs, outputs + 1)
        taps = lo[:, None] + np.arange((hi - lo).max(initial=1))[None, :]
        return taps, taps < hi[:, None]


@dataclass(frozen=True)
class Piece(Relation):
    """One part of a concatenation along this axis.

    Output ``o`` reads ``o - offset``, if the part has it. Imagined larger than it is, the map goes
    on before its first part and beyond its last.
    """

    offset: int
    size: int
    first: bool
    last: bool

    @property
    def _bounds(self) -> tuple[int, int]:
        return -EVERYTHING if self.first else 0, EVERYTHING if self.last else self.size

    def _reads(self, lo: Index, hi: Index) -> Hull:
        start, stop = self._bounds
        return np.maximum(lo - self.offset, start), np.minimum(hi - self.offset, stop)

    def _reaches(self, lo: Index, hi: Index) -> Hull:
        start, stop = self._bounds
        return np.maximum(lo, start) + self.offset, np.minimum(hi, stop) + self.offset

    def _taps(self, outputs: Int64[np.ndarray, " n"]) -> Taps:
        start, stop = self._bounds
        taps = (outputs - self.offset)[:, None]
        return taps, (taps >= start) & (taps < stop)
