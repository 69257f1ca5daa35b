"""Operators that move elements about: view, permute, cat, pad, roll, shuffle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from erf.geometry.axis import IDENTITY, Piece, Relation, Whole, Window
from erf.geometry.rearrange import Flip, Mirror, Repeat, Roll
from erf.graph.layout import SPATIAL, Axis, Digit, Dim, Layout, channel, has_position
from erf.graph.node import Call, Certainty, Effect, Node, Read
from erf.graph.rules.pointwise import meet, read_aligned
from erf.graph.rules.recast import recast
from erf.graph.rules.relate import read_through
from erf.graph.rules.slide import axis_of, pair
from erf.graph.rules.table import rule, unknown
from erf.graph.rules.trace import moved


@rule("aten.view", "aten._unsafe_view", "aten.reshape", "aten.flatten", "aten.unflatten")
@rule("aten.squeeze", "aten.unsqueeze", "aten.view_as")
def view(call: Call) -> Effect:
    """The same elements under another shape."""
    source = call.sources[0]
    assert source.layout is not None
    after = source.layout.reshape(call.shape)
    plain = source.layout.is_map and source.layout.row_dim == 2 and len(call.shape) == 4
    if after.lost and plain and call.shape[:2] == source.shape[:2]:
        return moved(call, Layout.plain(call.shape))
    mixed = len(after.dims) == 4 and _mixed(after.dims[1]) and call.shape[2:] != (1, 1)
    if mixed and (call.shape[0] == 1 or after.batch_dim == 0):
        return moved(call, Layout.plain(call.shape))  # tokens read as a map without turning them
    if _only_positions(after) and (call.shape[0] == 1 or after.batch_dim == 0):
        return moved(call, Layout.plain(call.shape))  # flat positions cut into a map
    return recast(call, source, after)


@rule("aten.atleast_1d", "aten.atleast_2d", "aten.atleast_3d")
def at_least(call: Call) -> Effect:
    """Tensors that have so many dimensions already, untouched."""
    source = call["self"] if "self" in call.arguments else call["tensors"][call.output or 0]
    if source.layout is None:
        return Effect(None)
    return Effect(source.layout, (Read(source),)) if source.shape == call.shape else unknown(call)


def _only_positions(layout: Layout) -> bool:
    """Whether of four dimensions the last two are positions, but not rows by columns."""
    if len(layout.dims) != 4 or layout.is_map or not all(layout.dims[2:]):
        return False
    placed = all(digit.axis in SPATIAL for dim in layout.dims[2:] for digit in dim)
    return placed and not any(has_position(dim) for dim in layout.dims[:2])


def _mixed(dim: Dim) -> bool:
    """Whether positions and channels share a dimension."""
    return has_position(dim) and any(digit.axis is Axis.CHANNEL for digit in dim)


@rule("aten.permute", "aten.transpose", "aten.t", "aten.movedim", "aten.numpy_T")
def permute(call: Call) -> Effect:
    """Dimensions in another order."""
    source = call.sources[0]
    assert source.layout is not None
    rank = len(call.shape)
    order = list(range(rank))
    if call.op == "aten.permute":
        order = [d % rank for d in call["dims"]]
    elif call.op == "aten.transpose":
        first, second = call["dim0"] % rank, call["dim1"] % rank
        order[first], order[second] = order[second], order[first]
    elif call.op == "aten.t":
        order.reverse()
    else:
        return unknown(call)
    return recast(call, source, source.layout.permute(order))


@rule("aten.cat", "aten.concat")
def cat(call: Call) -> Effect:
    """Parts side by side in one dimension."""
    parts = [node for node in call["tensors"] if node.shape != (0,)]
    dim = call["dim"] % len(call.shape)
    layouts = [part.layout.settled() for part in parts if part.layout is not None]
    places = {axis_of(layout, dim) for layout in layouts}
    if not any(has_position(layout.dims[dim]) for layout in layouts):
        return _side_by_side(call, parts, layouts, dim, channel(call.shape[dim]))
    axis = places.pop() if len(places) == 1 else None
    if axis is None:
        return _jumble(call, parts, dim)
    return _end_to_end(call, parts, layouts, dim, axis)


def _side_by_side(
    call: Call, parts: Sequence[Node], layouts: Sequence[Layout], dim: int, new: Dim
) -> Effect:
    shape = [1 if d == dim else size for d, size in enumerate(call.shape)]
    after = meet([layout.replace(dim, ()) for layout in layouts], shape)
    if after is None:
        return unknown(call)
    after = after.replace(dim, new).settled()
    reads = [read_aligned(part, after) for part in parts if part.layout is not None]
    return Effect(after, tuple(reads))


def _end_to_end(
    call: Call, parts: Sequence[Node], layouts: Sequence[Layout], dim: int, axis: Axis
) -> Effect:
    """Parts of a map along one of its axes."""
    after = meet([layout.replace(dim, ()) for layout in layouts], _without(call.shape, dim))
    if after is None:
        return unknown(call)
    after = after.replace(dim, (Digit(axis, call.shape[dim]),))
    reads, offset = [], 0
    for index, part in enumerate(parts):
        size = part.shape[dim]
        if part.layout is not None:
            piece = Piece(offset, size, index == 0, index == len(parts) - 1)
            read = read_aligned(part, after)
            rows, cols = (piece, read.cols) if axis is Axis.ROW else (read.rows, piece)
            reads.append(Read(part, rows, cols, read.certainty))
        offset += size
    return Effect(after, tuple(reads))


def _without(shape: Sequence[int], dim: int) -> list[int]:
    return [1 if d == dim else size for d, size in enumerate(shape)]


def _jumble(call: Call, parts: Sequence[Node], dim: int) -> Effect:
    """Tokens with others before them: which position is where is given up."""
    layouts = [part.layout.forget() for part in parts if part.layout is not None]
    new = (Digit(Axis.LOST, call.shape[dim]),)
    after = meet([layout.replace(dim, ()) for layout in layouts], _without(call.shape, dim))
    if after is None:
        return unknown(call)
    after = after.replace(dim, new)
    reads = []
    for part in parts:
        if part.layout is not None:
            rows, cols = part.map_size
            lost = Certainty.PICKED if part.layout.lost else Certainty.SCATTERED
            reads.append(Read(part, Whole(rows), Whole(cols), lost))
    return Effect(after, tuple(reads))


@rule("aten.stack")
def stack(call: Call) -> Effect:
    """Parts in a new dimension."""
    layouts = [node.layout.settled() for node in call.sources if node.layout is not None]
    dim = call["dim"] % len(call.shape)
    inner = meet(layouts, [size for d, size in enumerate(call.shape) if d != dim])
    if inner is None:
        return unknown(call)
    dims = (*inner.dims[:dim], channel(call.shape[dim]), *inner.dims[dim:])
    axis = {2: Axis.ROW, 3: Axis.COL}.get(dim)
    if len(dims) == 4 and axis is not None and not inner.lost and not inner.digits(axis):
        return _as_places(call, inner, dim, axis)
    reads = [read_aligned(node, inner) for node in call.sources]
    return Effect(Layout(dims), tuple(reads))


def _as_places(call: Call, inner: Layout, dim: int, axis: Axis) -> Effect:
    """Parts that become the rows, or the columns, of a map: each reads its own."""
    size = call.shape[dim]
    after = Layout((*inner.dims[:dim], (Digit(axis, size),), *inner.dims[dim:])).settled()
    reads = []
    for place, node in enumerate(call["tensors"]):
        if node.layout is None:
            continue
        piece, read = Piece(place, 1, False, False), read_aligned(node, inner)
        rows, cols = (piece, read.cols) if axis is Axis.ROW else (read.rows, piece)
        reads.append(replace(read, rows=rows, cols=cols))
    return Effect(after, tuple(reads))


@rule("aten.expand", "aten.repeat", "aten.tile", "aten.expand_as")
def expand(call: Call) -> Effect:
    """Repetition of whole dimensions."""
    source = call.sources[0]
    assert source.layout is not None
    rank = len(call.shape)
    padded = Layout(((),) * (rank - len(source.layout.dims)) + source.layout.dims).settled()
    dims: list[Dim] = list(padded.dims)
    along: dict[Axis, Relation] = {}
    for d, (old, new) in enumerate(zip(padded.shape, call.shape, strict=True)):
        if old == new:
            continue
        axis = axis_of(padded, d)
        if axis is not None:
            dims[d] = (Digit(axis, new),)
            along[axis] = Whole(1) if old == 1 else Roll(0, old, new // old)
        elif has_position(dims[d]):
            return unknown(call)
        else:
            dims[d] = channel(new)
    after = Layout(tuple(dims)).settled()
    read = read_through(source, padded, after, range(rank))
    rows, cols = along.get(Axis.ROW, read.rows), along.get(Axis.COL, read.cols)
    return Effect(after, (Read(source, rows, cols, read.certainty),))


@rule("aten.roll", "aten.flip")
def shift(call: Call) -> Effect:
    """Cyclic shifts and reversals of whole dimensions."""
    source = call["self"]
    after = source.layout.settled()
    dims = [d % len(after.dims) for d in pair(call["dims"], 1, [])]
    if not dims:
        return moved(call, after)
    shifts = call.get("shifts", [0] * len(dims))
    along: dict[Axis, Relation] = {}
    for d, by in zip(dims, shifts, strict=True):
        axis = axis_of(after, d)
        if axis is None and has_position(after.dims[d]):
            return moved(call, after)
        if axis is not None:
            size = source.shape[d]
            along[axis] = Flip(size) if call.op == "aten.flip" else Roll(by, size)
    read = Read(source, along.get(Axis.ROW, IDENTITY), along.get(Axis.COL, IDENTITY))
    return Effect(after, (read,))


@rule("aten.pad", "aten.constant_pad_nd")
@rule("aten.reflection_pad1d", "aten.reflection_pad2d")
@rule("aten.replication_pad1d", "aten.replication_pad2d")
def pad(call: Call) -> Effect:
    """Padding (and, where negative, cropping) with a constant or a copy of the map."""
    source = call.sources[0]
    assert source.layout is not None
    kind = call.get("mode", "constant")
    for name, copied in (("reflection", "reflect"), ("replication", "replicate")):
        kind = copied if name in call.op else kind
    after, widths = source.layout.settled(), call.get("pad", call.get("padding"))
    along: dict[Axis, Relation] = {}
    for k in range(0, len(widths), 2):
        before, behind = widths[k : k + 2]
        d = len(after.dims) - 1 - k // 2
        if before == behind == 0:
            continue
        axis = axis_of(after, d)
        if axis is None and has_position(after.dims[d]):
            return unknown(call)
        new = (Digit(axis, call.shape[d]),) if axis else channel(call.shape[d])
        after = after.replace(d, new)
        if axis is not None:
            copies = kind != "constant"
            size = source.shape[d]
            along[axis] = Mirror(kind, before, behind, size) if copies else Window(padding=before)
    read = Read(source, along.get(Axis.ROW, IDENTITY), along.get(Axis.COL, IDENTITY))
    return Effect(after, (read,))


@rule("aten.pixel_shuffle", "aten.pixel_unshuffle", "aten.channel_shuffle")
def shuffle(call: Call) -> Effect:
    """Channels into positions, positions into channels, or channels among themselves."""
    source = call.sources[0]
    assert source.layout is not None
    before = source.layout.settled()
    if before.row_dim != 2 or before.col_dim != 3:
        return unknown(call)
    relation: Relation = IDENTITY
    if call.op == "aten.pixel_shuffle":
        relation = Repeat(call["upscale_factor"])
    elif call.op == "aten.pixel_unshuffle":
        relation = Window(call["downscale_factor"], call["downscale_factor"])
    folded = relation != IDENTITY and isinstance(relation, Window)
    return Effect(Layout.plain(call.shape), (Read(source, relation, relation, apart=folded),))
