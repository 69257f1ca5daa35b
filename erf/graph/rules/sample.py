"""Sampling at places that a grid names: exact where the grid is a constant."""

from __future__ import annotations

from math import prod

import torch
from torch import nn

from erf.graph.layout import Layout
from erf.graph.node import Call, Effect, Node, constant_value
from erf.graph.rules.pairs import pairs_of, places, read_pairs
from erf.graph.rules.table import rule, unknown

LARGEST = 2**24
"""Pairs of an input and an output position beyond which a grid is left unknown."""


@rule("aten.grid_sampler", "aten.grid_sampler_2d")
def sample(call: Call) -> Effect:
    """Which input positions have a weight in what the operator makes of each of them alone."""
    source, grid = call["input"], call["grid"]
    if grid.layout is not None or source.layout is None or _trained(grid):
        return unknown(call)
    before = source.layout.settled()
    inputs, outputs = prod(source.shape[2:]), prod(call.shape[2:])
    value = constant_value(grid)
    same = bool((value == value[:1]).all())
    if not same or len(call.shape) != 4 or before.row_dim != 2 or inputs * outputs > LARGEST:
        return unknown(call)
    basis = torch.eye(inputs, dtype=value.dtype).view(1, inputs, *source.shape[2:])
    weights = Node(call, Effect(None)).evaluate({source: basis, grid: value[:1]}, 1)
    into, out = weights.view(inputs, outputs).nonzero().T.numpy()
    after = Layout.plain(call.shape)
    here, there = places(after)[0, 0].ravel(), places(before)[0, 0].ravel()
    pairs = pairs_of(here[out], there[into], after, before)
    return Effect(after, (read_pairs(source, pairs, after, before),))


def _trained(node: Node) -> bool:
    """Whether a constant is made of weights, and so not of the architecture."""
    return isinstance(node.value, nn.Parameter) or any(map(_trained, node.inputs))
