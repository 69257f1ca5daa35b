"""Operators that take a part of a dimension: slice, split, select."""

from __future__ import annotations

from erf.geometry.axis import IDENTITY, Relation, Window
from erf.geometry.rearrange import Digits
from erf.graph.layout import Axis, Digit, Layout, channel, has_position
from erf.graph.node import Call, Certainty, Effect, Node, Read
from erf.graph.rules.relate import read_through
from erf.graph.rules.slide import axis_of
from erf.graph.rules.table import rule, unknown


def _one_axis(call: Call, source: Node, after: Layout, axis: Axis, relation: Relation) -> Effect:
    """One axis changes by a relation, the other not at all."""
    rows = relation if axis is Axis.ROW else IDENTITY
    cols = relation if axis is Axis.COL else IDENTITY
    return Effect(after, (Read(source, rows, cols),))


def cut(call: Call, source: Node, dim: int, start: int, step: int = 1) -> Effect:
    """Every ``step``-th index of one dimension from ``start`` on."""
    assert source.layout is not None
    before = source.layout.settled()
    dim %= len(before.dims)
    size = call.shape[dim]
    if size == source.shape[dim]:
        return Effect(before, (Read(source),))
    if not has_position(before.dims[dim]):
        if any(digit.axis is Axis.BATCH for digit in before.dims[dim]):
            return unknown(call)
        after = before.replace(dim, channel(size) if size > 1 else ()).settled()
        return Effect(after, (read_aligned_to(source, before, after),))
    axis = axis_of(before, dim)
    if axis is not None:
        after = before.replace(dim, (Digit(axis, size),))
        return _one_axis(call, source, after, axis, Window(stride=step, padding=-start))
    if before.dims[dim] == (Digit(Axis.LOST, source.shape[dim]),):
        after = before.replace(dim, (Digit(Axis.LOST, size),) if size > 1 else ()).settled()
        return Effect(after, (Read(source, certainty=Certainty.PICKED),))
    return unknown(call)


def read_aligned_to(source: Node, before: Layout, after: Layout) -> Read:
    """Each output position reads the same position, dimension by dimension."""
    return read_through(source, before, after, range(len(before.dims)))


@rule("aten.slice")
def slice_(call: Call) -> Effect:
    """``x[start:end:step]`` of one dimension."""
    source = call["self"]
    dim, start = call["dim"], call["start"] or 0
    size = source.shape[dim]
    start = min(max(start + size if start < 0 else start, 0), size)
    return cut(call, source, dim, start, call["step"])


@rule("aten.split", "aten.split_with_sizes", "aten.chunk", "aten.tensor_split")
def split(call: Call) -> Effect:
    """One of the parts of a dimension."""
    source, dim, index = call["self"], call["dim"], call.output or 0
    size = source.shape[dim]
    if call.op == "aten.tensor_split":
        return unknown(call)
    sizes = call.get("split_sizes", call.get("split_size"))
    if call.op == "aten.chunk":
        sizes = -(-size // call["chunks"])
    start = sizes * index if isinstance(sizes, int) else sum(sizes[:index])
    return cut(call, source, dim, start)


@rule("aten.select", "aten.unbind")
def select(call: Call) -> Effect:
    """One index of a dimension, which goes away."""
    source = call["self"]
    before = source.layout.settled()
    dim = call["dim"] % len(before.dims)
    index = call.output if call.op == "aten.unbind" else call["index"]
    index %= source.shape[dim]
    after = before.drop([dim]).settled()
    kept = [None if d == dim else d - (d > dim) for d in range(len(before.dims))]
    chosen = before.dims[dim]
    axis = axis_of(before, dim)
    if source.shape[dim] > 1 and any(digit.axis is Axis.BATCH for digit in chosen):
        return unknown(call)
    if axis is not None:
        return _one_axis(call, source, after, axis, Window(padding=-index))
    read = read_through(source, before, after, kept)
    if not has_position(chosen):  # also one image of a batch of one
        return Effect(after, (read,))
    if len(chosen) == 1 and chosen[0].axis is not Axis.LOST:
        return Effect(after, (_at_digit(read, chosen[0], index, before, after),))
    if len(chosen) == 1:
        return Effect(after, (Read(source, read.rows, read.cols, Certainty.PICKED),))
    return unknown(call)


def _at_digit(read: Read, digit: Digit, index: int, before: Layout, after: Layout) -> Read:
    """A read in which one digit of the position is fixed."""
    others = [d for d in before.digits(digit.axis) if d != digit]
    news = after.digits(digit.axis)
    kept = tuple((d.size, new.step, d.step) for d, new in zip(others, news, strict=True))
    relation = Digits(after.size(digit.axis), kept, (), index * digit.step)
    if digit.axis is Axis.ROW:
        return Read(read.source, relation, read.cols, read.certainty)
    return Read(read.source, read.rows, relation, read.certainty)
