"""Operators that only move elements: where each comes from is found by moving coordinates.

The operator itself runs once on a tensor in which every element holds its own place. So a lookup
with constant places, a flat roll, a rotation or a view that cuts rows anew is exact for every unit,
and no second account of what the operator does is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from erf.graph.layout import Axis, Layout, channel, has_position
from erf.graph.node import Call, Certainty, Effect, Node, Pairs, Read, constant_value
from erf.graph.rules.gate import MASKED
from erf.graph.rules.pairs import index_of, join, lines_of, pairs_of, places, read_pairs
from erf.graph.rules.table import guess_layout, rule, unknown

LARGEST = 2**24
"""Elements of a tensor of coordinates beyond which an operator is left unknown."""


def moved(call: Call, after: Layout) -> Effect:
    """The effect of an operator that only moves elements, onto a given layout."""
    sources = list(dict.fromkeys(call.sources))
    if any(s.layout is None or s.layout.lost for s in sources) or after.lost:
        return unknown(call)
    if max(prod(shape) for shape in (call.shape, *(s.shape for s in sources))) > LARGEST:
        return unknown(call)
    after = after.settled()
    values = {node: _from_nowhere(call, node) for node in call.inputs if node.layout is None}
    # Element e of source s is offset[s] + e + 1, so that zero is what comes from nowhere.
    offset: dict[Node, int] = {}
    start = 1
    for source in sources:
        offset[source] = start
        elements = torch.arange(start, start + prod(source.shape), dtype=torch.int64)
        values[source] = elements.view(source.shape)
        start += prod(source.shape)
    out = Node(_without_numbers(call), Effect(None)).evaluate(values, _batch(call)).numpy()
    here, batch = places(after), index_of(after, Axis.BATCH)
    reads = []
    for source in sources:
        first = offset[source]
        from_it = (out >= first) & (out < first + prod(source.shape))
        elements_of = out[from_it] - first
        before = source.layout.settled() if source.layout else after
        if (index_of(before, Axis.BATCH).ravel()[elements_of] != batch[from_it]).any():
            return unknown(call)
        pairs = pairs_of(here[from_it], places(before).ravel()[elements_of], after, before)
        if pairs.nnz:
            read = read_pairs(source, pairs, after, before)
            reads.append(replace(read, apart=_unlike(call, pairs, here[from_it], here.size)))
    return Effect(after, tuple(reads)) if reads else Effect(None)


def _unlike(call: Call, pairs: Pairs, filled: Int64[np.ndarray, " n"], elements: int) -> bool:
    """Whether channels of one output position come from unlike positions, or some from none.

    Args:
        call: the operator.
        pairs: which output positions read which input positions.
        filled: the output position of each element that is read.
        elements: of the output.
    """
    if np.diff(pairs.indptr).max(initial=0) > 1:
        return True
    if call.op == "aten.slice_scatter":
        return False  # channels written over by another tensor's are told apart as classes
    counts = np.bincount(filled, minlength=pairs.shape[0])
    return bool((counts[counts > 0] < elements // pairs.shape[0]).any())


INDICES = ("indices", "index", "repeats", "mask")
"""Arguments that say where; what else is constant comes from no input."""


def _from_nowhere(call: Call, node: Node) -> Tensor:
    """A constant: places as they are, numbers as what comes from no input."""
    value = constant_value(node)
    if node in _tensors([call.get(name) for name in INDICES]):
        return value
    return value.new_zeros(value.shape, dtype=torch.int64)


def _without_numbers(call: Call) -> Call:
    """The call with nothing filled in that could be taken for a place."""
    if "value" not in call.arguments:
        return call
    return replace(call, arguments={**call.arguments, "value": 0})


def _batch(call: Call) -> int:
    sizes = [s.layout.size(Axis.BATCH) for s in call.sources if s.layout is not None]
    return max(sizes, default=1)


@rule("aten.index", "aten.index_select", "aten.repeat_interleave", "aten.take_along_dim")
@rule("aten.rot90", "aten.slice_scatter", "aten.select_scatter", "aten.diagonal", "aten.take")
@rule("aten.gather", "aten.tensor_split", "aten.index_put", "aten.scatter", "aten.index_copy")
@rule("aten.index_fill", "aten.masked_scatter")
def look_up(call: Call) -> Effect:
    """Constant places of one or two tensors."""
    if call.get("accumulate") or call.get("reduce"):
        return unknown(call)
    if any(n.layout is not None for n in _tensors([call.get(name) for name in INDICES])):
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
        bound = Read(source, certainty=Certainty.BOUND)  # scores of queries against keys
        return Effect(after, (bound,), f"{call.op}{MASKED}")
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
    lines = lines_of(after, dim)
    allowed = np.tril(np.ones((size, size), dtype=bool))
    return Effect(
        after, (read_pairs(source, join(lines, lines, allowed, after, after), after, after),)
    )
