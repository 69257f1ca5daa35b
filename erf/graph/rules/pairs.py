"""Reads that are no product of rows and columns: lists of which position reads which."""

from __future__ import annotations

from math import prod

import numpy as np
from jaxtyping import Int64
from scipy import sparse

from erf.geometry.axis import IDENTITY, Relation, Whole
from erf.geometry.rearrange import Listed
from erf.graph.layout import Axis, Layout
from erf.graph.node import Node, Pairs, Read


def places(layout: Layout) -> Int64[np.ndarray, "..."]:
    """``row * cols + col`` of every element of a tensor, and 0 where it has no position."""
    rows = index_of(layout, Axis.ROW)
    return rows * layout.size(Axis.COL) + index_of(layout, Axis.COL)


def index_of(layout: Layout, axis: Axis) -> Int64[np.ndarray, "..."]:
    """The place of every element along one axis, and 0 where it has none."""
    total = np.zeros(layout.shape, np.int64)
    for dim, digits in enumerate(layout.dims):
        inner, size = np.zeros(layout.shape[dim], np.int64), layout.shape[dim]
        for digit in digits:
            size //= digit.size
            if digit.axis is axis:
                inner += np.arange(len(inner)) // size % digit.size * digit.step
        total += inner.reshape([-1 if d == dim else 1 for d in range(len(layout.dims))])
    return total


def pairs_of(
    outputs: Int64[np.ndarray, " n"],
    inputs: Int64[np.ndarray, " n"],
    after: Layout,
    before: Layout,
) -> Pairs:
    """Output positions that read input positions, both listed, as one table."""
    shape = prod(after.map_size), prod(before.map_size)
    joined = np.unique(outputs * shape[1] + inputs)
    ones = np.ones(len(joined), dtype=np.int32)
    return sparse.csr_array((ones, (joined // shape[1], joined % shape[1])), shape=shape)


def read_pairs(source: Node, pairs: Pairs, after: Layout, before: Layout) -> Read:
    """A read of listed positions; one relation an axis where rows and columns are independent."""
    axes = _apart(pairs, after.map_size, before.map_size)
    if axes is not None:
        return Read(source, *axes)
    rows, cols = before.map_size
    return Read(source, Whole(rows), Whole(cols), pairs=pairs)


def _apart(
    pairs: Pairs, after: tuple[int, int], before: tuple[int, int]
) -> tuple[Relation, Relation] | None:
    """The relations along rows and columns, if the pairs are all that both allow."""
    out, into = pairs.nonzero()
    along: list[Relation] = []
    joint = 1
    for size, taken, inputs in (
        (after[0], (out // after[1], into // before[1]), before[0]),
        (after[1], (out % after[1], into % before[1]), before[1]),
    ):
        table = np.unique(np.stack(taken), axis=1)
        joint *= table.shape[1]
        same = size == inputs == table.shape[1] and (table[0] == table[1]).all()
        listed = tuple(tuple(table[1][table[0] == o].tolist()) for o in range(size))
        along.append(IDENTITY if same else Listed(listed))
    return (along[0], along[1]) if joint == pairs.nnz else None


def lines_of(layout: Layout, dim: int) -> Int64[np.ndarray, "lines length"]:
    """The places along one dimension, a line for each place of the others."""
    lines = np.moveaxis(places(layout), dim, -1).reshape(-1, layout.shape[dim])
    return np.unique(lines, axis=0)


def join(
    outputs: Int64[np.ndarray, "lines queries"],
    inputs: Int64[np.ndarray, "lines keys"],
    allowed: np.ndarray,
    after: Layout,
    before: Layout,
) -> Pairs:
    """Within each line, outputs read the inputs that are allowed."""
    allowed = np.broadcast_to(allowed, (len(outputs), outputs.shape[1], inputs.shape[1]))
    line, query, key = np.nonzero(allowed)
    return pairs_of(outputs[line, query], inputs[line, key], after, before)
