"""Relations that move positions about: repeat, flip, roll, mirror, and digits of a position."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Int64

from erf.geometry.axis import ALL, Hull, Index, Relation, Taps, Window, as_index


def hull_of(relation: Relation, lo: Index, hi: Index) -> Hull:
    """``reads`` by listing the taps of every output: for relations that are not monotone."""
    first, last = np.zeros(lo.shape, np.int64), np.zeros(lo.shape, np.int64)
    for at in np.ndindex(lo.shape):
        taps, meant = relation.taps(np.arange(int(lo[at]), int(hi[at])))
        if meant.any():
            first[at], last[at] = taps[meant].min(), taps[meant].max() + 1
    return first, last


def reached_of(relation: Relation, lo: Index, hi: Index, outputs: int) -> Hull:
    """``reaches`` by asking each of ``outputs`` outputs."""
    taps, meant = relation.taps(np.arange(outputs))
    first, last = np.zeros(lo.shape, np.int64), np.zeros(lo.shape, np.int64)
    for at in np.ndindex(lo.shape):
        hit = np.flatnonzero((meant & (taps >= lo[at]) & (taps < hi[at])).any(axis=1))
        if len(hit):
            first[at], last[at] = hit[0], hit[-1] + 1
    return first, last


@dataclass(frozen=True)
class Repeat(Relation):
    """Each input is repeated ``times``: pixel shuffle. Output ``o`` reads ``o // times``."""

    times: int

    def _reads(self, lo: Index, hi: Index) -> Hull:
        return lo // self.times, -(-hi // self.times)

    def _reaches(self, lo: Index, hi: Index) -> Hull:
        return lo * self.times, hi * self.times

    def _taps(self, outputs: Int64[np.ndarray, " n"]) -> Taps:
        return (outputs // self.times)[:, None], ALL


@dataclass(frozen=True)
class Flip(Relation):
    """Output ``o`` reads ``size - 1 - o``."""

    size: int

    def _reads(self, lo: Index, hi: Index) -> Hull:
        return self.size - hi, self.size - lo

    def _reaches(self, lo: Index, hi: Index) -> Hull:
        return self.reads(lo, hi)

    def _taps(self, outputs: Int64[np.ndarray, " n"]) -> Taps:
        return (self.size - 1 - outputs)[:, None], ALL


@dataclass(frozen=True)
class Roll(Relation):
    """A cyclic shift, or repetition: output ``o`` reads ``(o - shift) mod size``.

    Attributes:
        shift: outputs by which the inputs are moved.
        size: inputs there are.
        times: outputs there are for each input.
    """

    shift: int
    size: int
    times: int = 1

    def _reads(self, lo: Index, hi: Index) -> Hull:
        return hull_of(self, lo, hi)

    def _reaches(self, lo: Index, hi: Index) -> Hull:
        return reached_of(self, lo, hi, self.size * self.times)

    def _taps(self, outputs: Int64[np.ndarray, " n"]) -> Taps:
        return ((outputs - self.shift) % self.size)[:, None], ALL

    @property
    def unbounded(self) -> Window:
        """A plain shift."""
        return Window(padding=self.shift)


@dataclass(frozen=True)
class Mirror(Relation):
    """Padding that copies the map: ``before`` outputs precede the input's ``size`` samples.

    ``kind`` is PyTorch's: reflect (without the edge), replicate or circular. Unbounded it is
    padding of unknown pixels, as if the image went on.
    """

    kind: str
    before: int
    after: int
    size: int

    def _reads(self, lo: Index, hi: Index) -> Hull:
        return hull_of(self, lo, hi)

    def _reaches(self, lo: Index, hi: Index) -> Hull:
        return reached_of(self, lo, hi, self.before + self.size + self.after)

    def _taps(self, outputs: Int64[np.ndarray, " n"]) -> Taps:
        at = outputs - self.before
        match self.kind:
            case "reflect":
                period = max(2 * (self.size - 1), 1)
                at = at % period
                at = np.minimum(at, period - at)
            case "replicate":
                at = np.clip(at, 0, self.size - 1)
            case _:
                at = at % self.size
        return at[:, None], ALL

    @property
    def unbounded(self) -> Window:
        """Padding beyond which the image goes on."""
        return Window(padding=self.before)


@dataclass(frozen=True)
class Digits(Relation):
    """Positions written as digits, some of which are read whole: windowed attention, block means.

    Output ``o`` has digits ``(o // step) % size``. ``kept`` digits say where to read, ``free`` ones
    are read at every value. With windows of 7 rows, ``kept = ((8, 7, 7),), free = ((7, 1),)`` reads
    the whole window of a row; a dilated grid is the other way round.

    Attributes:
        outputs: how many outputs there are.
        kept: (size, step in the output, step in the input).
        free: (size, step in the input).
        offset: added to every input.
    """

    outputs: int
    kept: tuple[tuple[int, int, int], ...]
    free: tuple[tuple[int, int], ...] = ()
    offset: int = 0

    def _reads(self, lo: Index, hi: Index) -> Hull:
        return hull_of(self, lo, hi)

    def _reaches(self, lo: Index, hi: Index) -> Hull:
        return reached_of(self, lo, hi, self.outputs)

    def _taps(self, outputs: Int64[np.ndarray, " n"]) -> Taps:
        base = np.full(len(outputs), self.offset, np.int64)
        for size, step, into in self.kept:
            # The leading digit goes on beyond the border, so that the map can be imagined larger.
            leading = size * step == self.outputs
            base += (outputs // step if leading else outputs // step % size) * into
        combos = [sum(p) for p in product(*(range(0, n * step, step) for n, step in self.free))]
        return base[:, None] + as_index(combos)[None, :], ALL


@dataclass(frozen=True)
class Listed(Relation):
    """Any relation at all, output by output: lookups, what is written into a part of a map.

    Beyond its last output it goes on as the first and the last entry do, one input a step.

    Attributes:
        inputs: of every output, the inputs it reads; possibly none.
    """

    inputs: tuple[tuple[int, ...], ...]

    def _reads(self, lo: Index, hi: Index) -> Hull:
        return hull_of(self, lo, hi)

    def _reaches(self, lo: Index, hi: Index) -> Hull:
        return reached_of(self, lo, hi, len(self.inputs))

    def _taps(self, outputs: Int64[np.ndarray, " n"]) -> Taps:
        width = max((len(read) for read in self.inputs), default=0) or 1
        table = np.zeros((len(self.inputs), width), np.int64)
        meant = np.zeros(table.shape, dtype=bool)
        for output, read in enumerate(self.inputs):
            table[output, : len(read)], meant[output, : len(read)] = read, True
        at = np.clip(outputs, 0, len(self.inputs) - 1)
        return table[at] + (outputs - at)[:, None], meant[at]
