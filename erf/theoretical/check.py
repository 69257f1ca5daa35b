"""Holding a field that was derived by rules to NaN probing, which knows none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from erf.binding import bound
from erf.borrow import placed_like
from erf.geometry import Box
from erf.graph import Graph, try_graph_of
from erf.graph.rules.gate import zeros
from erf.graph.tokens import TokenGrid
from erf.inputs import Inputs
from erf.scripted import open_to_hooks
from erf.theoretical.field import TheoreticalField
from erf.theoretical.nan import nan_boxes, swallowing


def disagreement(
    model: nn.Module,
    field: TheoreticalField,
    unit: tuple[int, int] | None = None,
    *,
    channels: int = 3,
    inputs: Mapping[str, Any] | Inputs | None = None,
) -> str | None:
    """What NaN probing finds otherwise, in words; None if nothing.

    An upper bound agrees if it holds what NaN probing finds, and so does any field where operators
    swallow NaN, which then finds too little. Where a constant factor is zero, NaN
    passes and a change does not: there theory may claim less than NaN finds.

    Args:
        model: the field's.
        field: by rules.
        unit: look at this one alone, in fewer forward passes.
        channels: of the image.
        inputs: what the model takes beside the image, as of `erf.Subject`.
    """
    model = open_to_hooks(model)
    image = placed_like(model, torch.zeros(channels, *field.image_size))
    with bound(model, image, Inputs.of(inputs)):
        truth = nan_boxes(
            model,
            field.layer,
            field.image_size,
            unit=unit,
            channels=channels,
            channel_dim=field.channel_dim,
            tokens=_tokens(model, field, channels),
        )
        loose = field.status == "upper_bound" or swallowing(
            model, field.layer, field.image_size, channels
        )
        silent = _has_zero_factor(model, field, channels)
    for position in np.ndindex(*field.units) if unit is None else [unit]:
        ruled, probed = field.box(position), Box(*(int(end) for end in truth[position]))
        holds = ruled.hull(probed) == ruled or probed.empty
        holds = holds if loose else ruled == probed
        if not holds and not (silent and ruled.hull(probed) == probed):
            row, col = position
            return f"unit {row},{col} reads {_words(probed)}, not {_words(ruled)}"
    return None


def _has_zero_factor(model: nn.Module, field: TheoreticalField, channels: int) -> bool:
    """Whether something before a layer is multiplied by a constant that is zero somewhere."""
    graph = try_graph_of(model, (1, channels, *field.image_size))
    if not isinstance(graph, Graph):
        return False
    before = graph.before([graph.layer(field.layer)])
    return any(node.layout is not None and zeros(node.call) is not None for node in before)


def _tokens(
    model: nn.Module, field: TheoreticalField, channels: int
) -> tuple[TokenGrid, int] | None:
    """The grid among a layer's tokens, where there are others."""
    graph = try_graph_of(model, (1, channels, *field.image_size))
    if not isinstance(graph, Graph):
        return None
    node = graph.layer(field.layer)
    grid = graph.token_grid(node)
    if grid is None or node.layout is None or node.layout.row_dim is None:
        return None
    return grid, node.layout.row_dim


def _words(box: Box) -> str:
    return f"rows {box.top}..{box.bottom - 1}, columns {box.left}..{box.right - 1}"
