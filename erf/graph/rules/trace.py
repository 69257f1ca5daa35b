"""Operators that only move elements: where each comes from is found by moving coordinates.

The operator itself runs once on a tensor in which every element holds its own place. So a lookup
with constant places, a flat roll, a rotation or a view that cuts rows anew is exact for every unit,
and no second account of what the operator does is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np
import torch
from jaxtyping import Int64
from scipy import sparse
from torch import Tensor

from erf.geometry.axis import IDENTITY, Relation, Whole
from erf.geometry.rearrange import Listed
from erf.graph.layout import Axis, Layout, channel
from erf.graph.node import Call, Effect, Node, Pairs, Read, constant_value
from erf.graph.rules.pointwise import has_position
from erf.graph.rules.table import guess_layout, rule, unknown

LARGEST = 2**24
"""Elements of a tensor of coordinates beyond which an operator is left unknown."""


def places(layout: Layout) -> Int64[np.ndarray, "..."]:
    """``row * cols + col`` of every element of a tensor, and 0 where it has no position."""
    rows = _index(layout, Axis.ROW)
    return rows * layout.size(Axis.COL) + _index(layout, Axis.COL)


def _index(layout: Layout, axis: Axis) -> Int64[np.ndarray, "..."]:
    total = np.zeros(layout.shape, np.int64)
    for dim, digits in enumerate(layout.dims):
        inner, size = np.zeros(layout.shape[dim], np.int64), layout.shape[dim]
        for digit in digits:
            size //= digit.size
            if digit.axis is axis:
                inner += np.arange(len(inner)) // size % digit.size * digit.step
        total += inner.reshape([-1 if d == dim else 1 for d in range(len(layout.dims))])
    return total


def moved(call: Call, after: Layout) -> Effect:
    """The effect of an operator that only moves elements, onto a given layout."""
    sources = list(dict.fromkeys(call.sources))
    if any(s.layout is None or s.layout.lost for s in sources) or after.lost:
        return unknown(call)
    if max(prod(shape) for shape in (call.shape, *(s.shape for s in sources))) > LARGEST:
        return unknown(call)
    after = after.settled()
    values = {node: _from_nowhere(node) for node in call.inputs if node.layout is None}
    # Element e of source s is offset[s] + e + 1, so that zero is what comes from nowhere.
    offset: dict[Node, int] = {}
    start = 1
    for source in sources:
        offset[source] = start
        elements = torch.arange(start, start + prod(source.shape), dtype=torch.int64)
        values[source] = elements.view(source.shape)
        start += prod(source.shape)
    out = Node(call, Effect(None)).evaluate(values, _batch(call)).numpy()
    here, batch = places(after), _index(after, Axis.BATCH)
    reads = []
    for source in sources:
        first = offset[source]
        from_it = (out >= first) & (out < first + prod(source.shape))
        elements_of = out[from_it] - first
        before = source.layout.settled() if source.layout else after
        if (_index(before, Axis.BATCH).ravel()[elements_of] != batch[from_it]).any():
            return unknown(call)
        pairs = _pairs(here[from_it], places(before).ravel()[elements_of], after, before)
        if pairs.nnz:
            reads.append(read_pairs(source, pairs, after, before))
    return Effect(after, tuple(reads)) if reads else Effect(None)


def _from_nowhere(node: Node) -> Tensor:
    """A constant: places as they are, numbers as what comes from no input."""
    value = constant_value(node)
    return value.new_zeros(value.shape, dtype=torch.int64) if _numbers(value) else value


def _numbers(value: Tensor) -> bool:
    return value.is_floating_point() or value.is_complex()


def _batch(call: Call) -> int:
    sizes = [s.layout.size(Axis.BATCH) for s in call.sources if s.layout is not None]
    return max(sizes, default=1)


def _pairs(
    outputs: Int64[np.ndarray, " n"],
    inputs: Int64[np.ndarray, " n"],
    after: Layout,
    before: Layout,
) -> Pairs:
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


@rule("aten.index", "aten.index_select", "aten.repeat_interleave", "aten.take_along_dim")
@rule("aten.rot90", "aten.slice_scatter", "aten.select_scatter", "aten.diagonal", "aten.take")
@rule("aten.gather", "aten.as_strided", "aten.unfold", "aten.tensor_split", "aten.index_put")
def look_up(call: Call) -> Effect:
    """Constant places of one or two tensors."""
    if call.op == "aten.index_put" and call.get("accumulate"):
        return unknown(call)
    places_of = [a for name in ("indices", "index", "repeats") for a in [call.get(name)]]
    if any(node.layout is not None for node in _tensors(places_of)):
        return unknown(call)
    return moved(call, layout_of(call))


def _tensors(value: object) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)


def layout_of(call: Call) -> Layout:
    """Meaning of the dimensions of what was moved: as long as the source's, the source's own."""
    source = call.sources[0].layout
    assert source is not None
    before = source.settled()
    if before.shape == call.shape:
        return before
    if len(before.dims) == len(call.shape) != 4:
        sizes = list(zip(before.dims, before.shape, call.shape, strict=True))
        if all(old == new or not has_position(dim) for dim, old, new in sizes):
            return Layout(tuple(d if old == new else channel(new) for d, old, new in sizes))
    return guess_layout(call)


@rule("aten.tril", "aten.triu")
def triangle(call: Call) -> Effect:
    """Positions beyond a diagonal read nothing."""
    (source,) = call.sources
    assert source.layout is not None
    after = source.layout.settled()
    if not all(has_position(dim) for dim in after.dims[-2:]):
        return unknown(call)
    return moved(call, after)


@rule("aten.cumsum", "aten.cumprod", "aten.logcumsumexp")
def cumulate(call: Call) -> Effect:
    """Each place of a dimension reads those before it."""
    (source,) = call.sources
    assert source.layout is not None
    after, dim = source.layout.settled(), call["dim"] % len(call.shape)
    size = call.shape[dim]
    if not has_position(after.dims[dim]):
        return Effect(after, (Read(source),))
    if after.lost or any(d.axis is Axis.BATCH for d in after.dims[dim]):
        return unknown(call)
    lines = _lines(after, dim)
    allowed = np.tril(np.ones((size, size), dtype=bool))
    return Effect(
        after, (read_pairs(source, join(lines, lines, allowed, after, after), after, after),)
    )


def _lines(layout: Layout, dim: int) -> Int64[np.ndarray, "lines length"]:
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
    return _pairs(outputs[line, query], inputs[line, key], after, before)
