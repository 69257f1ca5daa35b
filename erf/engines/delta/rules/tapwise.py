"""Convolution one tap of the kernel at a time: each is a product of matrices.

Where a window is small against the reach of a kernel (7x7, or 3x3 with dilation 12), most of what
a convolution of the padded window multiplies are zeros. One tap moves the whole window to one place
of the output, so that going from tap to tap multiplies every number of the window once with every
weight, and no zeros.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d

from erf.engines.delta.frame import Frame, Lane
from erf.engines.delta.rules import vectors
from erf.engines.delta.step import Step
from erf.geometry.axis import Window

WORTH = 0.45
"""Share of numbers that are not zero below which single taps win: measured on two cores."""
CHANNELS = 64
"""Fewest input channels: below, adding up the taps costs more than multiplying."""


def pays(step: Step, have: Frame) -> bool:
    """Whether to go tap by tap: stride 1, no groups, one offset for all patches, mostly zeros."""
    read, frame = step.node.reads[0], step.frame
    rows, cols = read.rows, read.cols
    assert isinstance(rows, Window)
    assert isinstance(cols, Window)
    assert frame is not None
    if (rows.stride, cols.stride, step["groups"]) != (1, 1, 1) or rows.kernel * cols.kernel == 1:
        return False
    if step["weight"].shape[1] < CHANNELS:
        return False
    shares = []
    for lane, relation, source in ((frame.rows, rows, have.rows), (frame.cols, cols, have.cols)):
        before = lane.lo - relation.padding - source.lo
        if (before != before[0]).any():
            return False
        met = sum(
            _overlap(int(before[0]), t, relation, lane, source)[2] for t in range(relation.kernel)
        )
        shares.append(met / (lane.length * relation.kernel))
    return shares[0] * shares[1] < WORTH


def _overlap(
    before: int, tap: int, relation: Window, lane: Lane, source: Lane
) -> tuple[int, int, int]:
    """First output, first input and length of the stretch that one tap joins.

    Output ``o`` reads input ``o + shift`` with ``shift = before + dilation * tap``.
    """
    shift = before + relation.dilation * tap
    first = max(0, -shift)
    last = min(lane.length, source.length - shift)
    return first, first + shift, max(0, last - first)


def convolve(
    step: Step,
    change: Float[Tensor, "batch c rows cols"],
    have: Frame,
    weight: Float[Tensor, "o c kernel_rows kernel_cols"],
) -> Float[Tensor, "batch o out_rows out_cols"]:
    """The sum over taps of window times weight, each added where it lands."""
    read, frame = step.node.reads[0], step.frame
    rows, cols = read.rows, read.cols
    assert isinstance(rows, Window)
    assert isinstance(cols, Window)
    assert frame is not None
    result = torch.zeros(
        (len(change), len(weight), *frame.size), dtype=change.dtype, device=change.device
    ).contiguous(memory_format=torch.channels_last)
    top = int((frame.rows.lo - rows.padding - have.rows.lo)[0])
    left = int((frame.cols.lo - cols.padding - have.cols.lo)[0])
    for r in range(rows.kernel):
        out_row, row, height = _overlap(top, r, rows, frame.rows, have.rows)
        for c in range(cols.kernel):
            out_col, col, width = _overlap(left, c, cols, frame.cols, have.cols)
            if height and width:
                part = change[:, :, row : row + height, col : col + width]
                into = result[:, :, out_row : out_row + height, out_col : out_col + width]
                into += multiply(part, weight[:, :, r : r + 1, c : c + 1])
    return result


def multiply(
    change: Float[Tensor, "batch c rows cols"],
    weight: Float[Tensor, "o c_group 1 1"],
    groups: int = 1,
) -> Float[Tensor, "batch o rows cols"]:
    """A 1x1 convolution; single positions are a product of matrices."""
    if change.shape[2:] != (1, 1) or groups > 1:
        return conv2d(change, weight, groups=groups)
    return vectors.multiply(change.flatten(1), weight.flatten(1))[:, :, None, None]
