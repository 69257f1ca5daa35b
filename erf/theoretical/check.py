"""Holding a field that was derived by rules to NaN probing, which knows none."""

from __future__ import annotations

import numpy as np
from torch import nn

from erf.geometry import Box
from erf.graph import Graph, try_graph_of
from erf.graph.tokens import TokenGrid
from erf.theoretical.field import TheoreticalField
from erf.theoretical.nan import nan_boxes


def disagreement(
    model: nn.Module,
    field: TheoreticalField,
    unit: tuple[int, int] | None = None,
    *,
    channels: int = 3,
) -> str | None:
    """What NaN probing finds otherwise, in words; None if nothing.

    An upper bound agrees if it holds what NaN probing finds.

    Args:
        model: the field's.
        field: by rules.
        unit: look at this one alone, in fewer forward passes.
        channels: of the image.
    """
    truth = nan_boxes(
        model,
        field.layer,
        field.image_size,
        unit=unit,
        channels=channels,
        channel_dim=field.channel_dim,
        tokens=_tokens(model, field, channels),
    )
    for position in np.ndindex(*field.units) if unit is None else [unit]:
        ruled, probed = field.box(position), Box(*(int(end) for end in truth[position]))
        holds = ruled.hull(probed) == ruled or probed.empty
        if not (holds if field.status == "upper_bound" else ruled == probed):
            row, col = position
            return f"unit {row},{col} reads {_words(probed)}, not {_words(ruled)}"
    return None


def _tokens(
    model: nn.Module, field: TheoreticalField, channels: int
) -> tuple[TokenGrid, int] | None:
    """The grid among a layer's tokens, where there are others."""
    graph = try_graph_of(model, (1, channels, *field.image_size))
    if not isinstance(graph, Graph):
        return None
    node = graph.layer(field.layer)
    grid = graph.tokens.get(node)
    if grid is None or node.layout is None or node.layout.row_dim is None:
        return None
    return grid, node.layout.row_dim


def _words(box: Box) -> str:
    return f"rows {box.top}..{box.bottom - 1}, columns {box.left}..{box.right - 1}"
