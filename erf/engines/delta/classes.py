"""Which patches are computed together: classes of patch starts along one axis.

Windows of one batch must have one shape, and a window larger than needed is still exact. So starts
are merged, cheapest pair first, as long as the multiplications this adds cost less than the passes
over the weights it saves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from erf.engines.delta.frame import Lane
from erf.engines.delta.spans import Span, relation
from erf.geometry.axis import Window
from erf.graph import Node


@dataclass(frozen=True, eq=False)
class Class:
    """Patch starts along one axis that share the shape of every window.

    Attributes:
        members: indices of the starts.
        lanes: for every node that can change, the window of each member.
    """

    members: Int64[np.ndarray, " n"]
    lanes: Mapping[Node, Lane]


def classify(
    lengths: Int64[np.ndarray, "starts nodes"],
    price: Float64[np.ndarray, " nodes"],
    overhead: float,
) -> list[Int64[np.ndarray, " n"]]:
    """Merge starts into classes.

    Args:
        lengths: exact length of each window along this axis.
        price: cost of one position of each node's window, the other axis included.
        overhead: cost of one more class.

    Returns:
        The starts of each class, in order.
    """
    shapes, of_start = np.unique(lengths, axis=0, return_inverse=True)
    counts = np.bincount(of_start.ravel(), minlength=len(shapes)).astype(float)
    of_shape = np.arange(len(shapes))
    shapes = shapes.astype(float)
    alive = np.ones(len(shapes), dtype=bool)
    while alive.sum() > 1:
        index = np.flatnonzero(alive)
        best = min(
            (_cheapest(int(a), index, shapes, counts, price) for a in index),
            key=lambda found: found[0],
        )
        growth, keep, gone = best
        if growth > overhead:
            break
        shapes[keep] = np.maximum(shapes[keep], shapes[gone])
        counts[keep] += counts[gone]
        of_shape[of_shape == gone] = keep
        alive[gone] = False
    return [np.flatnonzero(of_shape[of_start.ravel()] == a) for a in np.flatnonzero(alive)]


def _cheapest(
    a: int,
    others: Int64[np.ndarray, " n"],
    shapes: Float64[np.ndarray, "starts nodes"],
    counts: Float64[np.ndarray, " starts"],
    price: Float64[np.ndarray, " nodes"],
) -> tuple[float, int, int]:
    """The partner whose merger with ``a`` adds least, and what it adds."""
    others = others[others != a]
    together = np.maximum(shapes[others], shapes[a]) @ price
    apart = counts[a] * (shapes[a] @ price) + counts[others] * (shapes[others] @ price)
    growth = (counts[a] + counts[others]) * together - apart
    best = int(np.argmin(growth))
    return float(growth[best]), a, int(others[best])


def lay_out(
    members: Int64[np.ndarray, " n"],
    exact: Mapping[Node, Span],
    whole: frozenset[Node],
    axis: int,
) -> Class:
    """Give every node one window length, and each member a window that holds its exact one.

    Where there is a choice, the window starts where most members can take it from their inputs'
    windows with one and the same offset, so that a batch needs no member-wise moving.
    """
    lanes: dict[Node, Lane] = {}
    for node, spans in exact.items():
        size = node.map_size[axis]
        span = spans.take(members)
        length = int(span.length.max(initial=0))
        if node in whole and length:
            lanes[node] = Lane(np.zeros(len(members), np.int64), size)
            continue
        earliest = np.where(span.filled, np.maximum(span.hi - length, 0), 0)
        latest = np.where(span.filled, np.minimum(span.lo, size - length), size - length)
        lanes[node] = Lane(_starts(node, earliest, latest, lanes, axis), length)
    return Class(members, lanes)


def _starts(
    node: Node,
    earliest: Int64[np.ndarray, " n"],
    latest: Int64[np.ndarray, " n"],
    lanes: Mapping[Node, Lane],
    axis: int,
) -> Int64[np.ndarray, " n"]:
    best, most = latest, 0
    for first, stride in _origins(node, lanes, axis):
        offsets = np.unique(np.concatenate([latest, earliest]) * stride - np.tile(first, 2))
        for offset in sorted(offsets, key=abs):
            wish, rest = np.divmod(first + offset, stride)
            fits = (rest == 0) & (earliest <= wish) & (wish <= latest)
            if fits.sum() > most:
                best, most = np.where(fits, wish, latest), int(fits.sum())
    return best


def _origins(
    node: Node, lanes: Mapping[Node, Lane], axis: int
) -> Iterator[tuple[Int64[np.ndarray, " n"], int]]:
    """Where each input's windows start, counted as the operator counts, and its stride."""
    for read in node.reads:
        rule = relation(read, axis)
        lane = lanes.get(read.source)
        if lane is not None and lane.length > 0 and isinstance(rule, Window):
            yield lane.lo + rule.padding, rule.stride
