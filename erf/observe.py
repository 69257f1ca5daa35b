"""Watching layers as maps: by what the graph knows of their dimensions, else as they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jaxtyping import Float
from torch import Tensor, nn

from erf.errors import ExportError
from erf.graph import Graph, Layout, as_map
from erf.layers import read_map, require_map, watched


def observe_maps(
    model: nn.Module,
    images: Float[Tensor, "n c h w"],
    layouts: Mapping[str, Layout | None],
) -> dict[str, Float[Tensor, "n channels rows cols"]]:
    """Run the model; the named layers' outputs as maps.

    Args:
        model: in evaluation mode.
        images: a batch.
        layouts: the meaning of each layer's dimensions; None reads four dimensions as
            (n, channels, rows, cols).

    Raises:
        LayerError: when a layer is unknown, or its output is not a map.
    """
    with watched(model, list(layouts)) as seen:
        model(images)
    maps = {}
    for layer, layout in layouts.items():
        output = seen.get(layer)
        if layout is not None and isinstance(output, Tensor):
            maps[layer] = as_map(output, layout)
        else:
            maps[layer] = require_map(layer, output)
    return maps


def observe_layers(
    model: nn.Module,
    image: Float[Tensor, "c h w"],
    layers: Sequence[str],
    graph: Graph | ExportError | None,
) -> dict[str, Float[Tensor, "1 channels rows cols"]]:
    """Run the model on one image; the named layers' outputs as maps.

    Args:
        model: in evaluation mode.
        image: on its device.
        layers: module paths.
        graph: of the model, or why there is none; without one, four dimensions are read as
            (n, channels, rows, cols).

    Raises:
        LayerError: when a layer is unknown, or its output is not a map.
    """
    with watched(model, layers) as seen:
        model(image[None])
    return {layer: read_map(layer, seen.get(layer), graph) for layer in layers}
