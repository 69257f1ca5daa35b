"""Operators that move numbers about without computing anything."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad, pixel_shuffle

from erf.engines.delta.clean import evaluate
from erf.engines.delta.frame import Frame, Lane, map_dims, refit
from erf.engines.delta.rules.table import formula, is_window_map, moved_about, position_wise
from erf.engines.delta.step import Step
from erf.geometry.axis import Window
from erf.geometry.rearrange import Repeat
from erf.graph import Node


def _aligned_source(step: Step) -> Tensor:
    """The input's change on this step's windows, its own dimensions."""
    return step.change(step.node.reads[0].source)


@formula(
    *("aten.view", "aten._unsafe_view", "aten.reshape", "aten.flatten", "aten.unflatten"),
    *("aten.squeeze", "aten.unsqueeze"),
    fits=moved_about,
    windows=moved_about,
)
def view(step: Step) -> Tensor:
    """The same numbers under another shape, rows and columns being whole dimensions in both."""
    return _aligned_source(step).reshape(step.shape)


@formula(
    *("aten.permute", "aten.transpose", "aten.select", "aten.slice", "aten.split"),
    *("aten.split_with_sizes", "aten.chunk", "aten.unbind"),
    fits=moved_about,
    windows=moved_about,
)
def rearrange(step: Step) -> Tensor:
    """Arguments that name dimensions other than rows and columns mean the same on windows."""
    source = step.node.reads[0].source
    return evaluate(step.node, {source: _aligned_source(step)}, step.batch)


def _shifts(node: Node) -> bool:
    """Whether rows and columns are cut or padded, and nothing else."""
    if len(node.reads) != 1 or not (is_window_map(node) and is_window_map(node.reads[0].source)):
        return False
    read = node.reads[0]
    simple = all(
        isinstance(relation, Window) and relation.kernel == 1 for relation in (read.rows, read.cols)
    )
    places = map_dims(node)
    others = [d for d in range(len(node.shape)) if d not in places]
    return (
        simple
        and len(node.shape) == len(read.source.shape)
        and map_dims(read.source) == places
        and [node.shape[d] for d in others] == [read.source.shape[d] for d in others]
    )


@formula("aten.slice", "aten.pad", "aten.constant_pad_nd", fits=_shifts, windows=_shifts)
def shift(step: Step) -> Tensor:
    """Cropping, padding with a constant (which does not change), or every n-th row."""
    read = step.node.reads[0]
    change = step.change(read.source, step.canvas())
    for dim, relation in zip(map_dims(step.node), (read.rows, read.cols), strict=True):
        assert isinstance(relation, Window)
        index = [slice(None)] * change.ndim
        index[dim] = slice(None, None, relation.stride)
        change = change[tuple(index)]
    return change


def _pads_features(node: Node) -> bool:
    return moved_about(node) and node.arguments.get("mode", "constant") == "constant"


@formula("aten.pad", "aten.constant_pad_nd", fits=_pads_features, windows=_pads_features)
def pad_features(step: Step) -> Tensor:
    """More channels, which do not change."""
    return pad(_aligned_source(step), list(step["pad"]))


@formula("aten.cat", "aten.concat", windows=position_wise)
def concatenate(step: Step) -> Tensor:
    """Side by side; parts that do not change are zero."""
    return torch.cat([step.change_or_zero(part) for part in step["tensors"]], step["dim"])


def _repeats(node: Node) -> bool:
    read = node.reads[0]
    return isinstance(read.rows, Repeat) and isinstance(read.cols, Repeat) and is_window_map(node)


@formula("aten.pixel_shuffle", fits=_repeats, windows=_repeats)
def shuffle_pixels(step: Step) -> Tensor:
    """Channels into positions, then cut."""
    source, times = step["self"], step["upscale_factor"]
    have = step.changes[source].frame
    assert have is not None
    assert step.frame is not None
    lanes = (Lane(lane.lo * times, lane.length * times) for lane in (have.rows, have.cols))
    shuffled = pixel_shuffle(step.changes[source].values, times)
    return refit(shuffled, Frame(*lanes), step.frame, (2, 3))


@formula("aten.expand", windows=position_wise)
def expand(step: Step) -> Tensor:
    """Repetition of dimensions of size one."""
    return _aligned_source(step).expand(step.shape)


@formula(
    *("aten.view", "aten._unsafe_view", "aten.reshape", "aten.flatten", "aten.unflatten"),
    *("aten.squeeze", "aten.unsqueeze", "aten.permute", "aten.transpose", "aten.t"),
    *("aten.select", "aten.slice", "aten.split", "aten.split_with_sizes", "aten.chunk"),
    *("aten.unbind", "aten.cat", "aten.concat", "aten.stack", "aten.roll", "aten.flip"),
    *("aten.repeat", "aten.tile", "aten.pixel_shuffle", "aten.pixel_unshuffle"),
    *("aten.channel_shuffle", "aten.movedim", "aten.im2col", "aten.avg_pool2d"),
    *("aten.adaptive_avg_pool1d", "aten.mean", "aten.sum", "aten.cumsum"),
    *("aten.reflection_pad2d", "aten.replication_pad2d"),
    fits=lambda node: all(len(s.shape) > 0 for s in node.call.sources),
)
def linear_whole(step: Step) -> Tensor:
    """Linear operators without a constant term act on whole changes as on whole values."""
    return evaluate(
        step.node, {source: step.change_or_zero(source) for source in step.node.inputs}, step.batch
    )


def _gathers(node: Node) -> bool:
    """Whether what is looked up does not depend on the image."""
    return len(node.reads) == 1 and node.reads[0].source in (
        node.arguments.get("self"),
        node.arguments.get("input"),
    )


@formula("aten.index", "aten.gather", "aten.index_select", fits=_gathers)
def look_up(step: Step) -> Tensor:
    """Constant places of a changing tensor."""
    source = step.node.reads[0].source
    values = {n: step.clean.whole(n, step.batch) for n in step.node.inputs if n is not source}
    return evaluate(step.node, values | {source: step.change(source)}, step.batch)


def _zero_filled(node: Node) -> bool:
    value = node.arguments.get("value")
    return node.arguments.get("mode", "constant") != "constant" or value in (None, 0, 0.0)


@formula("aten.pad", "aten.constant_pad_nd", fits=_zero_filled)
def pad_whole(step: Step) -> Tensor:
    """Zeros, or a copy of the map."""
    source = step.node.reads[0].source
    return evaluate(step.node, {source: step.change(source)}, step.batch)
