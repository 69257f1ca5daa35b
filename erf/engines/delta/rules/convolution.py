"""Convolution, its transpose and linear maps act on the change alone: the bias drops out."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d, linear

from erf.engines.delta.clean import evaluate
from erf.engines.delta.frame import Frame, Lane, map_dims, refit
from erf.engines.delta.rules import gathered, tapwise
from erf.engines.delta.rules.table import everything, formula, is_window_map, position_wise
from erf.engines.delta.step import Step
from erf.geometry.axis import Transposed, Window
from erf.graph import Node


def _fixed_weight(node: Node) -> bool:
    """Whether only the input changes."""
    return len(node.reads) == 1 and node.reads[0].source is node.arguments["input"]


def _plain_map(node: Node) -> bool:
    return is_window_map(node) and map_dims(node) == (2, 3)


def _slides(node: Node) -> bool:
    source = node.reads[0].source
    relations = node.reads[0].rows, node.reads[0].cols
    windows = all(isinstance(relation, Window) for relation in relations)
    return windows and _plain_map(node) and _plain_map(source)


def _spreads(node: Node) -> bool:
    source = node.reads[0].source
    relations = node.reads[0].rows, node.reads[0].cols
    spreads = all(isinstance(relation, Transposed) for relation in relations)
    return spreads and _plain_map(node) and _plain_map(source)


def pair(value: Any) -> list[int]:
    """An argument for rows and columns."""
    values = [value] if isinstance(value, int) else list(value)
    return values * 2 if len(values) == 1 else values


@formula(
    *("aten.conv2d", "aten.convolution"),
    fits=lambda node: _fixed_weight(node) and _slides(node),
    windows=_slides,
)
def convolve(step: Step) -> Tensor:
    """On windows: padded with zeros exactly as far as the output window reads."""
    source = step["input"]
    weight = step.prepared.weight(step.node, step.clean.values[step["weight"]])
    have, canvas = step.changes[source].frame, step.canvas()
    assert have is not None
    change = step.changes[source].values
    if tapwise.pays(step, have):
        return tapwise.convolve(step, change, have, weight)
    if weight.shape[2:] == (1, 1):
        rows, cols = pair(step["stride"])
        read = refit(change, have, canvas, (2, 3))[:, :, ::rows, ::cols]
        return tapwise.multiply(read, weight, step["groups"])
    padding = [
        _even_padding(lane, wide)
        for lane, wide in ((have.rows, canvas.rows), (have.cols, canvas.cols))
    ]
    inner = Frame(_shrunk(canvas.rows, padding[0]), _shrunk(canvas.cols, padding[1]))
    read = refit(change, have, inner, (2, 3))
    stride, dilation, groups = pair(step["stride"]), pair(step["dilation"]), step["groups"]
    if _few(step, read) and (padding, dilation, groups) == ([0, 0], [1, 1], 1):
        return gathered.convolve(read, weight, (stride[0], stride[1]))
    return conv2d(read, weight, None, stride, padding, dilation, groups)


def _few(step: Step, read: Tensor) -> bool:
    """Whether the output windows are so small that what they read is better gathered."""
    assert step.frame is not None
    return gathered.pays(prod(step.frame.size), *read.shape[:2])


def _even_padding(have: Lane, canvas: Lane) -> int:
    """The zeros that every window lacks on both sides: left to the convolution, which skips most
    of the work on them."""
    before = have.lo - canvas.lo
    after = canvas.lo + canvas.length - have.lo - have.length
    return max(0, int(min(before.min(), after.min())))


def _shrunk(lane: Lane, by: int) -> Lane:
    return Lane(lane.lo + by, lane.length - 2 * by)


@formula(
    "aten.conv_transpose2d",
    fits=lambda node: _fixed_weight(node) and _spreads(node),
    windows=_spreads,
)
def convolve_transposed(step: Step) -> Tensor:
    """On windows: all that the input window spreads over, then cut."""
    source, frame, read = step["input"], step.frame, step.node.reads[0]
    have = step.changes[source].frame
    assert have is not None
    assert frame is not None
    spread = conv_transpose2d(
        step.changes[source].values,
        step.clean.values[step["weight"]],
        None,
        pair(step["stride"]),
        0,
        0,
        step["groups"],
        pair(step["dilation"]),
    )
    lanes = []
    for lane, relation in ((have.rows, read.rows), (have.cols, read.cols)):
        assert isinstance(relation, Transposed)
        length = (lane.length - 1) * relation.stride + relation.window.span
        lanes.append(Lane(lane.lo * relation.stride - relation.padding, length))
    return refit(spread, Frame(*lanes), frame, (2, 3))


@formula(
    *("aten.conv1d", "aten.conv2d", "aten.conv3d", "aten.convolution", "aten.conv_transpose2d"),
    *("aten.conv_transpose1d", "aten.conv_transpose3d"),
    fits=_fixed_weight,
)
def convolve_whole(step: Step) -> Tensor:
    """On whole tensors of any number of dimensions: the operator itself, without its bias."""
    weight = step.clean.values[step["weight"]]
    values = {step["input"]: step.change(step["input"]), step["weight"]: weight}
    if step.get("bias") is not None:
        values[step["bias"]] = torch.zeros_like(step.clean.values[step["bias"]])
    return evaluate(step.node, values, step.batch)


@formula("aten.linear", fits=_fixed_weight, windows=position_wise)
def linear_map(step: Step) -> Tensor:
    """A matrix product with the last dimension."""
    return linear(step.change(step["input"]), step.clean.values[step["weight"]])


@formula(
    "aten.addmm", fits=lambda node: [read.source for read in node.reads] == [node.arguments["mat1"]]
)
def affine(step: Step) -> Tensor:
    """What ``linear`` becomes in some graphs."""
    return step.change(step["mat1"]) @ step.clean.values[step["mat2"]]


@formula("aten.mm", "aten.bmm", "aten.matmul", "aten.baddbmm", clean=everything)
def product(step: Step) -> Tensor:
    """A product of matrices of which either or both change: ``da c + (a + da) dc``."""
    first, second = step.node.inputs[-2:]
    clean = {source: step.clean.expanded(source, step.batch) for source in step.node.inputs}
    if step.node.op == "aten.baddbmm":
        clean[step.node.inputs[0]] = torch.zeros_like(clean[step.node.inputs[0]])
    parts = []
    moved = dict(clean)
    for operand in (first, second):
        if step.changed(operand):
            change = step.change(operand)
            parts.append(evaluate(step.node, moved | {operand: change}, step.batch))
            moved[operand] = clean[operand] + change
    return sum(parts[1:], start=parts[0])
