"""Operators with a window over the last dimensions: convolution, pooling, interpolation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from erf.geometry.axis import IDENTITY, Adaptive, Relation, Transposed, Whole, Window
from erf.geometry.rearrange import Listed
from erf.geometry.resample import Kind, Resample
from erf.graph.layout import SPATIAL, Axis, Digit, Dim, Layout, channel, has_position
from erf.graph.node import Call, Effect, Node, Read
from erf.graph.rules.pairs import join, lines_of, read_pairs
from erf.graph.rules.relate import read_through
from erf.graph.rules.table import rule, unknown


def slide(call: Call, source: Node, relations: Sequence[Relation], channels: int | None) -> Effect:
    """Apply one relation to each of the last dimensions.

    Args:
        call: the operator.
        source: its input.
        relations: for the last ``len(relations)`` dimensions.
        channels: how many channels come out of a sum over all of them, in the dimension before;
            None where channels are kept apart.
    """
    assert source.layout is not None
    before, rank = source.layout.settled(), len(call.shape)
    first = rank - len(relations)
    dims: list[Dim] = list(before.dims)
    if channels is not None:
        if has_position(dims[first - 1]):
            return unknown(call)
        dims[first - 1] = channel(channels)
    along: dict[Axis, Relation] = {}
    kept: list[int | None] = [None if d >= first - 1 else d for d in range(rank)]
    for d, relation in enumerate(relations, start=first):
        axis = axis_of(before, d)
        if axis is None and has_position(dims[d]) and relation.identity:
            kept[d] = d
            continue
        if axis is None and has_position(dims[d]):
            return _flat(call, source, dims, d, relation)
        if axis is not None:
            along[axis] = relation
        dims[d] = channel(call.shape[d]) if axis is None else (Digit(axis, call.shape[d]),)
    after = Layout(tuple(dims))
    kept[first - 1] = first - 1 if channels is None else None
    read = read_through(source, before, after, kept, summed=True)
    rows, cols = along.get(Axis.ROW, read.rows), along.get(Axis.COL, read.cols)
    return Effect(after, (Read(source, rows, cols, read.certainty),))


def _flat(call: Call, source: Node, dims: Sequence[Dim], dim: int, relation: Relation) -> Effect:
    """A relation along a dimension in which rows and columns follow each other."""
    assert source.layout is not None
    before = source.layout.settled()
    size = call.shape[dim]
    outside = [digits for d, digits in enumerate(dims) if d != dim and has_position(digits)]
    kept = size == source.shape[dim]
    if dim != len(dims) - 1 or (outside and not kept) or size * source.shape[dim] > LARGEST:
        return unknown(call)
    if any(digit.axis not in SPATIAL for digits in (dims[dim], *outside) for digit in digits):
        return unknown(call)
    after = Layout((*dims[:dim], dims[dim] if kept else (Digit(Axis.ROW, size),)))
    taps, meant = relation.taps(np.arange(size))
    meant = meant & (taps >= 0) & (taps < source.shape[dim])
    allowed = np.zeros((size, source.shape[dim]), dtype=bool)
    allowed[np.nonzero(meant)[0], taps[meant]] = True
    pairs = join(lines_of(after, dim), lines_of(before, dim), allowed, after, before)
    return Effect(after, (read_pairs(source, pairs, after, before),))


LARGEST = 2**26
"""Pairs of flat positions beyond which an operator is left unknown."""


def axis_of(layout: Layout, dim: int) -> Axis | None:
    """The spatial axis a dimension is, if it is one and nothing else."""
    for axis in SPATIAL:
        if layout.dim_of(axis) == dim:
            return axis
    return None


def pair(value: Any, count: int, default: Any = None) -> list[int]:
    """An argument given once, per dimension or not at all, as one integer a dimension."""
    if isinstance(value, int):
        return [value] * count
    values = list(value or (default if default is not None else [0] * count))
    return values * count if len(values) == 1 else values


@rule("aten.conv1d", "aten.conv2d", "aten.conv3d", "aten.convolution")
def convolution(call: Call) -> Effect:
    """Convolution of any stride, padding, dilation and groups, and its transpose."""
    if call.get("transposed"):
        return transposed(call)
    kernel = list(call["weight"].shape[2:])
    count = len(kernel)
    stride, dilation = pair(call["stride"], count, [1]), pair(call["dilation"], count, [1])
    padding = call["padding"]
    if isinstance(padding, str):
        totals = [
            d * (k - 1) if padding == "same" else 0 for k, d in zip(kernel, dilation, strict=True)
        ]
        padding = [total // 2 for total in totals]
    windows = [Window(*w) for w in zip(kernel, stride, pair(padding, count), dilation, strict=True)]
    return _convolve(call, windows)


@rule("aten.conv_transpose1d", "aten.conv_transpose2d", "aten.conv_transpose3d")
def transposed(call: Call) -> Effect:
    """Transposed convolution; output padding only adds outputs."""
    kernel = list(call["weight"].shape[2:])
    count = len(kernel)
    stride, dilation = pair(call["stride"], count, [1]), pair(call["dilation"], count, [1])
    spreads = [
        Transposed(*t)
        for t in zip(kernel, stride, pair(call["padding"], count), dilation, strict=True)
    ]
    return _convolve(call, spreads)


def _convolve(call: Call, relations: Sequence[Relation]) -> Effect:
    source = call["input"]
    if source.layout is None or call["weight"].layout is not None:
        return unknown(call)
    count = len(relations)
    if len(call.shape) not in (count + 1, count + 2):  # of one image alone, or of a batch
        return unknown(call)
    return slide(call, source, relations, channels=call.shape[-count - 1])


@rule("aten.max_pool1d", "aten.max_pool2d", "aten.max_pool3d", "aten.max_pool2d_with_indices")
@rule("aten.avg_pool1d", "aten.avg_pool2d", "aten.avg_pool3d")
def pool(call: Call) -> Effect:
    """Maximum and average pooling; ``ceil_mode`` only adds outputs."""
    count = int(call.op.split("pool")[1][0])
    kernel = pair(call["kernel_size"], count)
    stride, padding = pair(call["stride"], count, kernel), pair(call["padding"], count)
    dilation = pair(call.get("dilation"), count, [1])
    windows = [Window(*w) for w in zip(kernel, stride, padding, dilation, strict=True)]
    return slide(call, call.sources[0], windows, channels=None)


@rule("aten.max_unpool2d")
def unpool(call: Call) -> Effect:
    """Each position gets the maximum of the window that it may have been found in."""
    found = call["indices"]
    if not found.op.startswith("aten.max_pool2d") or found.call.output != 1:
        return unknown(call)
    if tuple(call.shape[-2:]) != tuple(found.call["self"].shape[-2:]):
        return unknown(call)  # flat places in a map of another width
    kernel = pair(found.arguments["kernel_size"], 2)
    stride = pair(found.arguments["stride"], 2, kernel)
    padding, dilation = (found.arguments[name] for name in ("padding", "dilation"))
    settings = zip(kernel, stride, pair(padding, 2), pair(dilation, 2, [1]), strict=True)
    spreads = [Transposed(*setting) for setting in settings]
    values = slide(call, call["self"], spreads, channels=None)
    where = slide(call, found, spreads, channels=None)
    return Effect(values.layout, (*values.reads, *where.reads), values.reason or where.reason)


@rule(
    *("aten.adaptive_avg_pool1d", "aten.adaptive_avg_pool2d", "aten._adaptive_avg_pool2d"),
    *("aten.adaptive_max_pool1d", "aten.adaptive_max_pool2d"),
)
def adaptive(call: Call) -> Effect:
    """Adaptive pooling; to one output it is global."""
    source = call.sources[0]
    outputs = pair(call["output_size"], 1)
    sizes = list(zip(source.shape[-len(outputs) :], call.shape[-len(outputs) :], strict=True))
    return slide(call, source, [_adapt(n, m) for n, m in sizes], channels=None)


def _adapt(inputs: int, outputs: int) -> Relation:
    if outputs == 1:
        return Whole(inputs)
    if inputs % outputs == 0:
        return Window(inputs // outputs, inputs // outputs)
    return Adaptive(inputs, outputs)


KINDS: dict[str, Kind] = {
    **{f"aten.upsample_nearest{n}d": "nearest" for n in (1, 2, 3)},
    **{f"aten._upsample_nearest_exact{n}d": "nearest-exact" for n in (1, 2, 3)},
    "aten.upsample_linear1d": "linear",
    "aten.upsample_bilinear2d": "linear",
    "aten.upsample_trilinear3d": "linear",
    "aten.upsample_bicubic2d": "cubic",
}


@rule("aten._upsample_bilinear2d_aa", "aten._upsample_bicubic2d_aa")
def antialiased(call: Call) -> Effect:
    """Interpolation whose kernel grows where the map shrinks: found from its own weights."""
    (source,) = call.sources
    relations = [_weighed(call, source, axis) for axis in (0, 1)]
    return slide(call, source, relations, channels=None)


def _weighed(call: Call, source: Node, axis: int) -> Relation:
    """Which places have weight in what the operator makes of each basis vector of an axis."""
    size = source.shape[-2:][axis]
    shape = [size, 1, 1, 1]
    shape[2 + axis] = size
    basis = torch.eye(size, dtype=torch.float64).view(shape)
    basis = basis.expand(size, 1, *source.shape[-2:]).contiguous()
    images = Node(call, Effect(None)).evaluate({source: basis}, size)
    weights = images.select(3 - axis, 0)[:, 0].T != 0
    return Listed(tuple(tuple(row.nonzero().flatten().tolist()) for row in weights))


@rule(*KINDS)
def interpolate(call: Call) -> Effect:
    """Interpolation to a size or by a factor."""
    source = call.sources[0]
    count = len(call.shape) - 2
    names = ("scales",) if count == 1 else ("scales_d", "scales_h", "scales_w")[-count:]
    factors = call.get("scale_factors") or [call.get(name) for name in names]
    sizes = zip(source.shape[-count:], call.shape[-count:], factors, strict=True)
    relations = [
        Resample(
            KINDS[call.op],
            inputs,
            outputs,
            None if factor is None else 1 / factor,
            bool(call.get("align_corners", False)),
            double=call.dtype == torch.float64,
        )
        for inputs, outputs, factor in sizes
    ]
    return slide(call, source, relations, channels=None)


@rule("aten.im2col")
def im2col(call: Call) -> Effect:
    """Unfolding: windows side by side, one column each."""
    source = call.sources[0]
    assert source.layout is not None
    before = source.layout.settled()
    if not before.is_map or before.row_dim != 2:
        return unknown(call)
    names = ("kernel_size", "stride", "padding", "dilation")
    settings = zip(*(call[name] for name in names), strict=True)
    rows, cols = (Window(*setting) for setting in settings)
    sizes = [
        (n + 2 * w.padding - w.span) // w.stride + 1
        for n, w in zip(before.map_size, (rows, cols), strict=True)
    ]
    grid = (Digit(Axis.ROW, sizes[0]), Digit(Axis.COL, sizes[1]))
    after = Layout((before.dims[0], channel(call.shape[1]), grid))
    return Effect(after, (Read(source, rows, cols, apart=True),))


@rule("aten.unfold")
def unfold(call: Call) -> Effect:
    """Windows of one dimension, their taps in a new last one."""
    (source,) = call.sources
    assert source.layout is not None
    before, dim = source.layout.settled(), call["dimension"] % len(source.shape)
    axis, window = axis_of(before, dim), Window(call["size"], call["step"])
    if axis is None and any(d.axis is not Axis.CHANNEL for d in before.dims[dim]):
        return unknown(call)
    new = (Digit(axis, call.shape[dim]),) if axis else channel(call.shape[dim])
    after = Layout((*before.replace(dim, new).dims, channel(call.shape[-1])))
    rows = window if axis is Axis.ROW else IDENTITY
    cols = window if axis is Axis.COL else IDENTITY
    return Effect(after, (Read(source, rows, cols, apart=axis is not None),))


@rule("aten.col2im")
def col2im(call: Call) -> Effect:
    """Folding: windows side by side are added where they lie."""
    (source,) = call.sources
    assert source.layout is not None
    names = ("kernel_size", "stride", "padding", "dilation")
    rows, cols = (Transposed(*setting) for setting in zip(*(call[n] for n in names), strict=True))
    sizes = [
        (n + 2 * r.padding - r.dilation * (r.kernel - 1) - 1) // r.stride + 1
        for n, r in zip(call.shape[-2:], (rows, cols), strict=True)
    ]
    digits = source.layout.settled().dims[-1]
    expected = [Digit(a, n) for a, n in zip(SPATIAL, sizes, strict=True)]
    if len(source.shape) != 3 or list(digits) != expected:
        return unknown(call)
    return Effect(Layout.plain(call.shape), (Read(source, rows, cols),))
