"""Interpolation and adaptive pooling: along each axis, a matrix."""

from __future__ import annotations

import torch
from torch import Tensor

from erf.engines.delta.frame import Lane, map_dims
from erf.engines.delta.rules.table import formula, is_window_map
from erf.engines.delta.step import Step
from erf.graph import Node


def _separable(node: Node) -> bool:
    source = node.reads[0].source
    return (
        len(node.reads) == 1
        and is_window_map(node)
        and is_window_map(source)
        and map_dims(node) == map_dims(source) == (2, 3)
    )


@formula(
    *("aten.upsample_nearest2d", "aten._upsample_nearest_exact2d", "aten.upsample_bilinear2d"),
    *("aten.upsample_bicubic2d", "aten.adaptive_avg_pool2d"),
    fits=_separable,
    windows=_separable,
)
def resample(step: Step) -> Tensor:
    """Rows and columns one after the other, each by its part of the matrix."""
    source = step.node.reads[0].source
    have, want = step.changes[source].frame, step.frame
    assert have is not None
    assert want is not None
    rows, cols = _matrices(step)
    change = step.spread(step.changes[source].values)
    down = _cut(rows, want.rows, have.rows)[:, None, None]
    across = _cut(cols, want.cols, have.cols)[:, None, None]
    return step.gather(down @ (change @ across.transpose(-1, -2)))


def _cut(matrix: Tensor, outputs: Lane, inputs: Lane) -> Tensor:
    """For every patch the rows and columns of a matrix that join its two windows."""
    rows = torch.from_numpy(outputs.index).to(matrix.device)
    cols = torch.from_numpy(inputs.index).to(matrix.device)
    return matrix[rows[:, :, None], cols[:, None, :]]


def _matrices(step: Step) -> tuple[Tensor, Tensor]:
    """What the operator does to each basis vector of rows, and of columns.

    The other axis is held constant: all these operators keep constants.
    """
    node, like = step.node, step.reference
    source = node.reads[0].source

    def along(axis: int, size: int) -> Tensor:
        shape = [size, 1, 1, 1]
        shape[2 + axis] = size
        basis = torch.eye(size, dtype=like.dtype, device=like.device).view(shape)
        images = node.evaluate({source: basis.expand(size, 1, *source.map_size)}, size)
        return images.select(3 - axis, 0)[:, 0].T.contiguous()

    rows, cols = step.prepared.once(
        node, lambda: tuple(along(axis, size) for axis, size in enumerate(source.map_size))
    )
    return rows, cols
