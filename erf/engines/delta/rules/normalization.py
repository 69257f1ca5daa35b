"""Normalisation: by stored statistics it is linear, by the values' own it is not."""

from __future__ import annotations

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor

from erf.engines.delta import kernels
from erf.engines.delta.rules.table import (
    everything,
    formula,
    is_window_map,
    position_wise,
)
from erf.engines.delta.step import Step
from erf.graph import Node


def _by_stored(node: Node) -> bool:
    """Whether the statistics are stored ones and nothing but the input changes."""
    live = node.arguments.get("training") or node.arguments.get("train")
    stored = isinstance(node.arguments.get("running_mean"), Node)
    return not live and stored and len(node.reads) == 1 and not node.call.output


@formula(
    *("aten.batch_norm", "aten._native_batch_norm_legit_no_training", "aten.native_batch_norm"),
    fits=_by_stored,
    windows=position_wise,
)
def batch_norm(step: Step) -> Tensor:
    """A factor for each channel."""
    change = step.change(step["input"])
    scale: Tensor = step.prepared.once(step.node, lambda: scale_of(step.node, step.clean.values))
    return change * scale.view(-1, *[1] * (change.ndim - 2))


def scale_of(node: Node, constants: Mapping[Node, Tensor]) -> Float[Tensor, " channels"]:
    """``weight / sqrt(running_var + eps)`` of a batch norm."""
    weight = node.arguments["weight"]
    scale = (constants[node.arguments["running_var"]] + node.arguments["eps"]).rsqrt()
    return scale if weight is None else scale * constants[weight]


def _over_features(node: Node) -> bool:
    """Whether what is normalised over holds no position."""
    if not position_wise(node):
        return False
    assert node.layout is not None
    rank = len(node.shape)
    if "softmax" in node.op:
        mixed = {node.arguments["dim"] % rank}
    else:
        mixed = set(range(rank - len(node.arguments["normalized_shape"]), rank))
    return not mixed & {0, node.layout.row_dim, node.layout.col_dim}


@formula(
    *("aten.layer_norm", "aten.native_layer_norm"),
    fits=lambda node: len(node.reads) == 1 and not node.call.output,
    windows=_over_features,
    clean=everything,
)
def layer_norm(step: Step) -> Tensor:
    """By mean and variance of the last dimensions."""
    source = step["input"]
    dims = [-1 - i for i in range(len(step["normalized_shape"]))]
    change = kernels.change_of_layer_norm(
        step.spread(step.change(source)), step.operand(source), dims, float(step["eps"])
    )
    weight = step.get("weight")
    return step.gather(change if weight is None else change * step.clean.values[weight])


@formula(
    *("aten.softmax", "aten._softmax"),
    fits=lambda node: len(node.reads) == 1,
    windows=_over_features,
    clean=everything,
)
def softmax(step: Step) -> Tensor:
    """Over one dimension."""
    source = step["self"]
    dim = step["dim"] % len(step.node.shape) - len(step.node.shape)
    return step.gather(
        kernels.change_of_softmax(step.spread(step.change(source)), step.operand(source), dim)
    )


def _by_own(node: Node) -> bool:
    """Whether a map is normalised by its own mean and variance."""
    own = node.arguments.get("use_input_stats", True)
    return bool(own) and len(node.reads) == 1 and not node.call.output and is_window_map(node)


@formula(
    *("aten.group_norm", "aten.native_group_norm", "aten.instance_norm"),
    fits=_by_own,
    clean=everything,
)
def group_norm(step: Step) -> Tensor:
    """By mean and variance of groups of channels over the whole map; an instance norm's groups
    have one channel."""
    source = step["input"]
    change, clean = step.change(source), step.clean.whole(source, step.batch)
    groups = step.get("num_groups", step.get("group", change.shape[1]))
    folded = kernels.change_of_layer_norm(
        change.reshape(len(change), groups, -1),
        clean.reshape(1, groups, -1),
        [-1],
        float(step["eps"]),
    ).view(change.shape)
    weight = step.get("weight")
    if weight is None:
        return folded
    return folded * step.clean.values[weight].view(-1, *[1] * (change.ndim - 2))
