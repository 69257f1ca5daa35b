"""Where a disturbance reaches and what a target needs: intervals along one axis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64

from erf.geometry.axis import Relation
from erf.graph import Node, Read

ROWS, COLS = 0, 1


@dataclass(frozen=True, eq=False)
class Span:
    """Half-open intervals along one axis, one for each start of a patch. ``lo >= hi`` is empty."""

    lo: Int64[np.ndarray, " n"]
    hi: Int64[np.ndarray, " n"]

    @property
    def length(self) -> Int64[np.ndarray, " n"]:
        """Positions in each interval."""
        return np.maximum(self.hi - self.lo, 0)

    @property
    def filled(self) -> Bool[np.ndarray, " n"]:
        """Which intervals hold any position."""
        return self.hi > self.lo

    def clip(self, lo: int, hi: int) -> Span:
        """What lies within ``[lo, hi)``; empty intervals become ``[0, 0)``."""
        low, high = np.maximum(self.lo, lo), np.minimum(self.hi, hi)
        filled = low < high
        return Span(np.where(filled, low, 0), np.where(filled, high, 0))

    def hull(self, other: Span) -> Span:
        """The smallest intervals holding both."""
        lo = np.where(self.filled & other.filled, np.minimum(self.lo, other.lo), self.lo + other.lo)
        return Span(lo, np.maximum(self.hi, other.hi))

    def take(self, index: Int64[np.ndarray, " m"]) -> Span:
        """The intervals of some patches."""
        return Span(self.lo[index], self.hi[index])


def relation(read: Read, axis: int) -> Relation:
    """The relation of one axis."""
    return read.rows if axis == ROWS else read.cols


def affected(
    nodes: Sequence[Node], image: Node, starts: Int64[np.ndarray, " n"], patch: int, axis: int
) -> dict[Node, Span]:
    """The positions of every node that patches at ``starts`` can change."""
    spans = {image: Span(starts, starts + patch)}
    for node in nodes:
        for read in node.reads:
            if read.source in spans:
                source = spans[read.source]
                reached = Span(*relation(read, axis).reaches(source.lo, source.hi))
                reached = reached.clip(0, node.map_size[axis])
                spans[node] = spans[node].hull(reached) if node in spans else reached
    return spans


def needed(
    nodes: Sequence[Node], targets: Mapping[Node, tuple[int, int]], axis: int
) -> dict[Node, tuple[int, int]]:
    """The positions of every node that the targets' positions depend on: their common cone."""
    cones = dict(targets)
    for node in reversed(nodes):
        if node not in cones:
            continue
        lo, hi = cones[node]
        for read in node.reads:
            first, last = relation(read, axis).reads(np.asarray(lo), np.asarray(hi))
            size = read.source.map_size[axis]
            cone = max(int(first), 0), min(int(last), size)
            cones[read.source] = _join(cones.get(read.source), cone)
    return cones


def _join(first: tuple[int, int] | None, second: tuple[int, int]) -> tuple[int, int]:
    if first is None or first[0] >= first[1]:
        return second
    if second[0] >= second[1]:
        return first
    return min(first[0], second[0]), max(first[1], second[1])


def exact_windows(
    spans: Mapping[Node, Span], cones: Mapping[Node, tuple[int, int]], nodes: Iterable[Node]
) -> dict[Node, Span]:
    """What must be computed: what changes and is needed, nothing else."""
    return {
        node: spans[node].clip(*cones[node]) for node in nodes if node in spans and node in cones
    }
