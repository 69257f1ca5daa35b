"""Operators that act on every position alone, with broadcasting."""

from __future__ import annotations

from collections.abc import Sequence

from erf.graph.layout import SPATIAL, Axis, Dim, Layout, channel, has_position
from erf.graph.node import Call, Certainty, Effect, Node, Read
from erf.graph.rules.contradict import read_listed
from erf.graph.rules.gate import gated
from erf.graph.rules.relate import read_through
from erf.graph.rules.table import read_everything, rule, unknown


def aligned(layout: Layout, rank: int) -> Layout:
    """A layout with empty dimensions in front, as broadcasting aligns it."""
    return Layout(((),) * (rank - len(layout.dims)) + layout.dims)


def agree(dims: Sequence[Dim], size: int) -> Dim | None:
    """The meaning of a dimension of ``size`` in which several operands meet.

    Positions outweigh channels, and what is broadcast has no say. None where positions differ.
    """
    full = [dim for dim in dims if Layout((dim,)).shape == (size,)]
    placed = {dim for dim in full if has_position(dim)}
    if len(placed) > 1:
        return None
    if placed:
        return placed.pop()
    others = [dim for dim in full if dim]
    batch = [dim for dim in others if any(digit.axis is Axis.BATCH for digit in dim)]
    return (batch or others or [channel(size) if size > 1 else ()])[0]


def meet(layouts: Sequence[Layout], shape: Sequence[int]) -> Layout | None:
    """Layout of the broadcast of several; None where their positions contradict each other."""
    rank = len(shape)
    columns = zip(*(aligned(layout, rank).dims for layout in layouts), strict=True)
    dims = [agree(column, size) for column, size in zip(columns, shape, strict=True)]
    if any(dim is None for dim in dims):
        return None
    merged = Layout(tuple(dim for dim in dims if dim is not None))
    return merged if consistent(merged) else None


def consistent(layout: Layout) -> bool:
    """Whether each axis counts every position once."""
    for axis in SPATIAL:
        step = 1
        for digit in sorted(layout.digits(axis), key=lambda d: (d.step, d.size)):
            if digit.size > 1 and digit.step != step:
                return False
            step *= digit.size
    return True


def read_aligned(source: Node, after: Layout) -> Read:
    """Each output position reads the same position of the source, or its only one."""
    assert source.layout is not None
    rank = len(after.dims)
    return read_through(source, aligned(source.layout, rank), after, range(rank))


@rule(
    "pointwise",
    *("aten.clone", "aten.contiguous", "aten.alias", "aten.detach", "aten._to_copy", "aten.to"),
    *("aten.lift_fresh_copy", "aten.dropout", "aten.feature_dropout", "aten.native_dropout"),
    *("aten.batch_norm", "aten._native_batch_norm_legit_no_training", "aten.prelu"),
    *("aten.native_batch_norm", "aten.rrelu", "aten.where", "aten.masked_fill", "aten.fill"),
    *("aten.hardswish", "aten.log_sigmoid", "aten.rsub", "aten.floor_divide", "aten.real"),
    *("aten.imag", "aten.complex", "aten.polar", "aten.bernoulli", "aten.bucketize"),
)
def pointwise(call: Call) -> Effect:
    """Activations, arithmetic, batch normalisation by stored statistics."""
    layouts = [source.layout for source in call.sources if source.layout is not None]
    after = meet(layouts, call.shape)
    alike: set[Node] = set()
    if after is None:
        alike = {source for source in call.sources if _alike(source)}
        after = meet([_meaning(source, alike) for source in call.sources], call.shape)
    if after is None:
        return _contradicting(call)
    after = after.settled()
    reads = tuple(
        read_everything(source, Certainty.EXACT) if source in alike else read_aligned(source, after)
        for source in call.sources
    )
    return gated(call, after, reads)


def _contradicting(call: Call) -> Effect:
    """Operands that meet at unlike positions: the fullest keeps its own, others are listed."""
    rank = len(call.shape)
    layouts = [aligned(s.layout.settled(), rank) for s in call.sources if s.layout is not None]
    whole = [each for each in layouts if each.shape == call.shape]
    if not whole:
        return unknown(call)
    after = max(whole, key=lambda each: (each.is_map, each.size(Axis.ROW) * each.size(Axis.COL)))
    letters = "abcdefghijkl"[:rank]
    pairs = zip(call.sources, layouts, strict=True)
    reads = [read_listed(source, before, letters, after, letters) for source, before in pairs]
    if any(read is None for read in reads):
        return unknown(call)
    return gated(call, after, [read for read in reads if read is not None])


def _alike(source: Node) -> bool:
    """Whether a tensor only repeats one that has a single position, so that all read the same."""
    return source.op == "aten.expand" and source.reads[0].source.map_size == (1, 1)


def _meaning(source: Node, alike: set[Node]) -> Layout:
    """The layout of an operand; of one that repeats, that of what it repeats."""
    layout = (source.reads[0].source if source in alike else source).layout
    assert layout is not None
    return layout


@rule("aten.one_hot", "aten.view_as_real", "aten.embedding")
def spread_last(call: Call) -> Effect:
    """A new last dimension of channels: every position is still read where it is."""
    (source,) = call.sources
    assert source.layout is not None
    before = source.layout.settled()
    after = Layout((*before.dims, channel(call.shape[-1])))
    return Effect(after, (Read(source),))


@rule("aten.view_as_complex")
def join_last(call: Call) -> Effect:
    """The last dimension, of two channels, becomes one number."""
    (source,) = call.sources
    assert source.layout is not None
    before = source.layout.settled()
    if has_position(before.dims[-1]):
        return unknown(call)
    return Effect(before.drop([len(before.dims) - 1]), (Read(source),))


@rule("aten.linalg_cross")
def cross(call: Call) -> Effect:
    """Products of three channels of two tensors, position by position."""
    layouts = [source.layout for source in call.sources if source.layout is not None]
    after = meet(layouts, call.shape)
    if after is None or has_position(after.dims[call["dim"]]):
        return unknown(call)
    after = after.settled()
    return Effect(after, tuple(read_aligned(source, after) for source in call.sources))


@rule("aten.copy", "aten.fill")
def overwrite(call: Call) -> Effect:
    """What was there before is not read."""
    source = call["src" if call.op == "aten.copy" else "value"]
    if source.layout is None:
        return Effect(None)
    after = meet([source.layout], call.shape)
    if after is None:
        return unknown(call)
    after = after.settled()
    return Effect(after, (read_aligned(source, after),))
