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

from erf.graph.layout import Axis, Digit, Layout, channel, has_position
from erf.graph.node import Call, Certainty, Effect, Node, Pairs, Read, constant_value
from erf.graph.rules.gate import MASKED
from erf.graph.rules.pairs import index_of, join, lines_of, pairs_of, places, read_pairs
from erf.graph.rules.relate import read_through
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
@rule("aten.index_fill", "aten.masked_scatter", "aten.diag_embed")
def look_up(call: Call) -> Effect:
    """Constant places of one or two tensors."""
    if any(n.layout is not None for n in _tensors([call.get(name) for name in INDICES])):
        return (
            _by_values(call) if call.op in ("aten.gather", "aten.take_along_dim") else unknown(call)
        )
    if call.get("accumulate") or call.get("reduce") or _several_to_one(call):
        return add_at(call)
    return moved(call, layout_of(call))


@rule("aten.scatter_add", "aten.index_add")
def add_at(call: Call) -> Effect:
    """What is added at constant places of a tensor; or written, the last of several unspecified."""
    into, source = call["self"], call.get("src", call.get("source", call.get("values")))
    found = _written(call)
    if found is None or not isinstance(source, Node) or into.shape != call.shape:
        return unknown(call)
    if any(node.layout is None or node.layout.lost for node in call.sources):
        return unknown(call)
    after = into.layout.settled() if into.layout is not None else layout_of(call)
    here, reads = places(after), []
    if into.layout is not None:
        reads.append(Read(into))
    if source.layout is not None:
        before = source.layout.settled()
        found = np.broadcast_to(found, source.shape)
        batch = index_of(after, Axis.BATCH).ravel()[found]
        if (index_of(before, Axis.BATCH) != batch).any():
            return unknown(call)
        pairs = pairs_of(here.ravel()[found].ravel(), places(before).ravel(), after, before)
        reads.append(replace(read_pairs(source, pairs, after, before), apart=True))
    return Effect(after, tuple(reads))


def _written(call: Call) -> Int64[np.ndarray, "..."] | None:
    """Which element of the output each element that is written goes to."""
    elements = torch.arange(prod(call.shape)).view(call.shape)
    index = [constant_value(n) for n in _tensors([call.get("index"), call.get("indices")])]
    match call.op:
        case "aten.scatter_add" | "aten.scatter":
            return elements.gather(call["dim"], index[0]).numpy()
        case "aten.index_add" | "aten.index_copy":
            return elements.index_select(call["dim"], index[0]).numpy()
        case "aten.index_put":
            at = iter(index)
            return elements[
                [slice(None) if n is None else next(at) for n in call["indices"]]
            ].numpy()
    return None


def _several_to_one(call: Call) -> bool:
    """Whether several elements are written to one place, so that it is not said which remains."""
    if call.op not in ("aten.scatter", "aten.index_copy", "aten.index_put"):
        return False
    found = _written(call)
    return found is not None and len(np.unique(found)) < found.size


def _by_values(call: Call) -> Effect:
    """Places along one dimension that another tensor names: any of them, at its own position."""
    source, index = call["self"], call.get("index", call.get("indices"))
    if source.layout is None or index.layout is None or len(source.shape) != len(call.shape):
        return unknown(call)
    dim = call["dim"] % len(call.shape)
    before, after = source.layout.settled(), index.layout.settled()
    others = [d for d in range(len(call.shape)) if d != dim]
    if after.shape != call.shape or any(before.dims[d] != after.dims[d] for d in others):
        return unknown(call)
    kept = [None if d == dim else d for d in range(len(call.shape))]
    chosen = read_through(source, before, after, kept, summed=True)
    return Effect(after, (chosen, Read(index)))


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
    if len(call.shape) == 3 and before.is_map and call.shape[:2] == before.shape[:2]:
        return Layout((*before.dims[:2], (Digit(Axis.ROW, call.shape[2]),)))  # a diagonal, pairs
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


@rule("aten.cumsum", "aten.cumprod", "aten.logcumsumexp", "aten.cummax", "aten.cummin")
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
