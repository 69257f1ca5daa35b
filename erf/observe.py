"""Watching layers as maps: by what the graph knows of their dimensions, else as they come."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from erf.errors import ExportError
from erf.graph import Graph
from erf.layers import read_map, watched


def observe_maps(
    model: nn.Module,
    images: Float[Tensor, "n c h w"],
    layers: Sequence[str],
    graph: Graph | ExportError | None,
) -> dict[str, Float[Tensor, "n channels rows cols"]]:
    """Run the model; the named layers' outputs as maps.

    Args:
        model: in evaluation mode.
        images: a batch, on the model's device.
        layers: module paths.
        graph: of the model, or why there is none; without one, four dimensions are read as
            (n, channels, rows, cols).

    Raises:
        LayerError: when a layer is unknown, or its output is not a map.
    """
    with watched(model, layers) as seen:
        model(images)
    return {layer: read_map(layer, seen.get(layer), graph) for layer in layers}
