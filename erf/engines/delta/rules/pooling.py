"""Pooling with a sliding window, and pooling of everything."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from erf.engines.delta import kernels
from erf.engines.delta.frame import cut_clean, map_dims
from erf.engines.delta.rules.table import everything, formula, is_window_map
from erf.engines.delta.step import Step
from erf.geometry.axis import Whole, Window
from erf.graph import Node


def _slides(node: Node) -> bool:
    """Whether it is a window on a plain map."""
    read = node.reads[0]
    return (
        len(node.reads) == 1
        and not node.call.output
        and isinstance(read.rows, Window)
        and isinstance(read.cols, Window)
        and is_window_map(node)
        and is_window_map(read.source)
        and map_dims(node) == map_dims(read.source) == (2, 3)
    )


@formula(
    *("aten.max_pool2d", "aten.max_pool2d_with_indices"),
    fits=_slides,
    windows=_slides,
    clean=everything,
)
def max_pool(step: Step) -> Tensor:
    """The padding is minus infinity in the clean map and no change."""
    source, canvas = step["self"], step.canvas()
    rows, cols = step.node.reads[0].rows, step.node.reads[0].cols
    assert isinstance(rows, Window)
    assert isinstance(cols, Window)
    margin = rows.padding + rows.stride, cols.padding + cols.stride
    clean = step.clean.cut_canvas(source, canvas, margin)
    return step.gather(
        kernels.change_of_max_pool(
            step.spread(step.change(source, canvas)),
            clean[:, None],
            (rows.kernel, cols.kernel),
            (rows.stride, cols.stride),
            (rows.dilation, cols.dilation),
        )
    )


@formula("aten.avg_pool2d", "aten.adaptive_avg_pool2d", fits=_slides, windows=_slides)
def average_pool(step: Step) -> Tensor:
    """The sum of each window over its divisor, which may differ at the border."""
    read, frame = step.node.reads[0], step.frame
    assert isinstance(read.rows, Window)
    assert isinstance(read.cols, Window)
    assert frame is not None
    kernel, stride = (read.rows.kernel, read.cols.kernel), (read.rows.stride, read.cols.stride)
    change = step.change(read.source, step.canvas())
    sums = avg_pool2d(change, kernel, stride, divisor_override=1)
    return step.gather(step.spread(sums) * cut_clean(_shares(step), frame, (2, 3))[:, None])


def _shares(step: Step) -> Tensor:
    """One over the divisor of every output: the mean of ones where they are summed one by one."""
    node, like = step.node, step.reference
    source, rows, cols = node.reads[0].source, node.reads[0].rows, node.reads[0].cols
    assert isinstance(rows, Window)
    assert isinstance(cols, Window)
    windows = ((2, rows), (3, cols))

    def make() -> Tensor:
        ones = torch.ones(1, 1, *source.shape[2:], dtype=like.dtype, device=like.device)
        counts = torch.ones(1, 1, *node.shape[2:], dtype=like.dtype, device=like.device)
        for dim, window in windows:
            first = torch.arange(node.shape[dim]) * window.stride - window.padding
            last = (first + window.kernel).clamp(max=source.shape[dim])
            inside = (last - first.clamp(min=0)).to(ones)
            counts = counts * inside.view([-1 if d == dim else 1 for d in range(4)])
        return node.evaluate({source: ones}, 1) / counts

    shares: Tensor = step.prepared.once(node, make)
    return shares


def _global(node: Node) -> bool:
    read = node.reads[0]
    everywhere = isinstance(read.rows, Whole) and isinstance(read.cols, Whole)
    return everywhere and is_window_map(read.source) and map_dims(read.source) == (2, 3)


@formula("aten.adaptive_avg_pool2d", fits=_global)
def average_all(step: Step) -> Tensor:
    """The mean of the whole map: outside the window there is nothing to add."""
    source = step["self"]
    total = step.changes[source].values.sum((2, 3), keepdim=True)
    rows, cols = source.map_size
    return total / (rows * cols)


@formula("aten.adaptive_max_pool2d", fits=_global, clean=everything)
def largest_of_all(step: Step) -> Tensor:
    """The maximum of the whole map."""
    source = step["self"]
    clean = step.clean.whole(source, step.batch)
    return kernels.change_of_max(step.change(source), clean, [2, 3], True)
