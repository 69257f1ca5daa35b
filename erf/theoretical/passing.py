"""How operators pass channels on: which of its input's each output channel is made of."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from erf.graph import Node
from erf.graph.node import constant_value
from erf.graph.rules import contract, cut, pointwise, rearrange, slide, trace
from erf.graph.rules.table import Rule
from erf.theoretical.classes import Classes, Labels, channel_shape, grown

Trace = Callable[[Node, list[Classes]], "list[Labels] | None"]


def _aligned(node: Node, sources: list[Classes]) -> list[Labels] | None:
    """Every channel reads the channel in its own place."""
    rank = len(node.shape)
    parts = [grown(source.labels, rank) for source in sources]
    assert node.layout is not None
    shape = channel_shape(node.layout)
    fits = all(
        size in (1, want) for part in parts for size, want in zip(part.shape, shape, strict=True)
    )
    return parts if fits else None


def _reshaped(node: Node, sources: list[Classes]) -> list[Labels] | None:
    """The same channels in the same order."""
    assert node.layout is not None
    shape = channel_shape(node.layout)
    return [sources[0].labels.reshape(shape)] if sources[0].labels.size == prod(shape) else None


def _permuted(node: Node, sources: list[Classes]) -> list[Labels] | None:
    rank = len(node.shape)
    if node.op == "aten.permute":
        return [sources[0].labels.transpose([d % rank for d in node.arguments["dims"]])]
    return [sources[0].labels.swapaxes(node.arguments["dim0"], node.arguments["dim1"])]


def _concatenated(node: Node, sources: list[Classes]) -> list[Labels] | None:
    """Parts side by side: each source fills its stretch of the channels."""
    assert node.layout is not None
    shape, dim = channel_shape(node.layout), node.arguments["dim"] % len(node.shape)
    if shape[dim] == 1 or shape[dim] != node.shape[dim]:
        return _aligned(node, sources)
    parts, start, reads = [], 0, iter(sources)
    for tensor in node.arguments["tensors"]:
        size = tensor.shape[dim]
        if tensor.layout is not None and tensor.shape != (0,):
            part = np.full(shape, -1)
            part[(slice(None),) * dim + (slice(start, start + size),)] = next(reads).labels
            parts.append(part)
        start += size
    return parts


def _stacked(node: Node, sources: list[Classes]) -> list[Labels] | None:
    """Parts side by side in a new dimension."""
    assert node.layout is not None
    shape, dim = channel_shape(node.layout), node.arguments["dim"] % len(node.shape)
    if shape[dim] != node.shape[dim]:  # they became positions
        return [np.expand_dims(source.labels, dim) for source in sources]
    parts, reads = [], iter(sources)
    for place, tensor in enumerate(node.arguments["tensors"]):
        if tensor.layout is not None:
            part = np.full(shape, -1)
            part[(slice(None),) * dim + (place,)] = next(reads).labels
            parts.append(part)
    return parts


def _padded(node: Node, sources: list[Classes]) -> list[Labels] | None:
    """Channels of a constant, which reads nothing, before and behind the others."""
    widths = node.arguments.get("pad", node.arguments.get("padding"))
    labels = sources[0].labels
    ends = [(0, 0)] * labels.ndim
    for k in range(0, len(widths), 2):
        if labels.shape[-1 - k // 2] > 1:
            ends[-1 - k // 2] = (widths[k], widths[k + 1])
    if any(end != (0, 0) for end in ends) and node.arguments.get("mode", "constant") != "constant":
        return None
    return [np.pad(labels, ends, constant_values=-1)] if min(min(ends)) >= 0 else None


def _sliced(node: Node, sources: list[Classes]) -> list[Labels] | None:
    """Some channels, taken by the operator's own indexing."""
    labels, source = sources[0].labels, node.origins[0].source
    dim = node.arguments["dim"] % labels.ndim
    if labels.shape[dim] == 1:
        index: Labels = np.zeros(1, np.int64)
    elif labels.shape[dim] != source.shape[dim]:
        return None
    else:
        index = _chosen(node, source.shape[dim])
    if node.op in ("aten.select", "aten.unbind"):
        return [labels.take(index[0], axis=dim)]
    return [labels.take(index, axis=dim)]


def scattered(node: Node, sources: list[Classes]) -> list[Labels] | None:
    """Some channels written over by another tensor's."""
    assert node.layout is not None
    shape, dim = channel_shape(node.layout), node.arguments["dim"] % len(node.shape)
    if shape[dim] != node.shape[dim]:
        return _aligned(node, sources)  # positions are written over, channels stay what they are
    if len({read.source for read in node.origins}) != len(sources):
        return None
    index = (slice(None),) * dim + (_chosen(node, shape[dim]),)
    parts = []
    for read, source in zip(node.origins, sources, strict=True):
        if read.source is node.arguments["self"]:
            part = np.broadcast_to(source.labels, shape).copy()
            part[index] = -1
        else:
            part = np.full(shape, -1)
            part[index] = source.labels
        parts.append(part)
    return parts


def _chosen(node: Node, size: int) -> Labels:
    """Indices that a slice, split or select takes of a dimension of ``size``."""
    arguments, output = node.arguments, node.call.output or 0
    everything = np.arange(size)
    match node.op:
        case "aten.slice" | "aten.slice_scatter":
            return everything[arguments["start"] : arguments["end"] : arguments["step"]]
        case "aten.select":
            return everything[[arguments["index"]]]
        case "aten.unbind":
            return everything[[output]]
        case "aten.chunk":
            sizes: int | list[int] = -(-size // arguments["chunks"])
        case _:
            sizes = arguments.get("split_sizes", arguments.get("split_size"))
    if isinstance(sizes, int):
        return everything[sizes * output : sizes * (output + 1)]
    return everything[sum(sizes[:output]) : sum(sizes[: output + 1])]


def _rolled(node: Node, sources: list[Classes]) -> list[Labels] | None:
    """Shifts and reversals."""
    labels, dims = sources[0].labels, slide.pair(node.arguments["dims"], 1, [])
    shifts = node.arguments.get("shifts", [0] * len(dims))
    if not dims:
        return [labels] if labels.size == 1 else None
    for d, by in zip(dims, shifts, strict=True):
        labels = np.flip(labels, d) if node.op == "aten.flip" else np.roll(labels, by, d)
    return [labels]


def _shuffled(node: Node, sources: list[Classes]) -> list[Labels] | None:
    """Channels of groups in turn."""
    labels = sources[0].labels
    if node.op != "aten.channel_shuffle":
        return None
    groups = node.arguments["groups"]
    parts = labels.reshape(labels.shape[0], groups, labels.shape[1] // groups, *labels.shape[2:])
    return [parts.swapaxes(1, 2).reshape(labels.shape)]


def _looked_up(node: Node, sources: list[Classes]) -> list[Labels] | None:
    """Channels at constant places of one dimension that holds nothing else."""
    labels = sources[0].labels
    if node.op == "aten.index_select":
        dim, index = node.arguments["dim"] % labels.ndim, node.arguments["index"]
    elif node.op == "aten.index":
        given = [(d, n) for d, n in enumerate(node.arguments["indices"]) if n is not None]
        if len(given) != 1 or len(given[0][1].shape) != 1:
            return None
        dim, index = given[0]
    else:
        return None
    if labels.shape[dim] == 1:
        return [labels]
    if labels.shape[dim] != node.origins[0].source.shape[dim] or index.layout is not None:
        return None
    places = constant_value(index).numpy()
    return [np.compress(places, labels, dim) if places.dtype == bool else labels.take(places, dim)]


TRACES: dict[Rule | None, Trace] = {
    pointwise.pointwise: _aligned,
    slide.pool: _aligned,
    slide.adaptive: _aligned,
    slide.interpolate: _aligned,
    rearrange.expand: _aligned,
    rearrange.pad: _padded,
    rearrange.shift: _rolled,
    rearrange.shuffle: _shuffled,
    trace.look_up: _looked_up,
    rearrange.view: _reshaped,
    rearrange.permute: _permuted,
    rearrange.cat: _concatenated,
    rearrange.stack: _stacked,
    cut.slice_: _sliced,
    cut.split: _sliced,
    cut.select: _sliced,
}
"""How operators pass channels on."""

JOINING = frozenset(("aten.cat", "aten.concat", "aten.stack", "aten.slice_scatter"))
"""Operators that set channels of different inputs side by side."""


def _everything(_: Node) -> int:
    return 1


def _groups(node: Node) -> int:
    return int(node.arguments["groups"])


def _normalized(node: Node) -> int | None:
    """Layer normalisation mixes all channels, group normalisation those of a group."""
    source = node.origins[0].source
    assert source.layout is not None
    shape = channel_shape(source.layout)
    if "group" in node.op:
        groups: int = node.arguments.get("num_groups", node.arguments.get("group"))
        return groups
    if "layer" in node.op or "rms" in node.op:
        first = len(shape) - len(node.arguments["normalized_shape"])
        return 1 if prod(shape[first:]) == prod(shape) else None
    return 1 if "softmax" in node.op and shape[node.arguments["dim"]] == prod(shape) else None


MIXING: dict[Rule | None, Callable[[Node], int | None]] = {
    slide.convolution: _groups,
    slide.transposed: _groups,
    contract.linear: _everything,
    contract.normalize: _normalized,
}
"""Operators of which every output channel reads all input channels of its group."""
