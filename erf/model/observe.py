"""Reading layers: what they put out, as maps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from erf.errors import ExportError, LayerError
from erf.graph import Graph, as_map, map_layout
from erf.graph.tokens import TokenGrid
from erf.layer_name import GRID_HINT, LayerName
from erf.modules import watched


def require_map(layer: str, output: object) -> Float[Tensor, "n c rows cols"]:
    """The output, if it is a map.

    Raises:
        LayerError: when it is anything else, or the layer did not run.
    """
    if output is None:
        raise LayerError(f"layer {layer!r} does not run in the model's forward pass")
    if not isinstance(output, Tensor):
        raise LayerError(f"layer {layer!r} puts out a {type(output).__name__}, not a map")
    if output.ndim == 2:
        return output[:, :, None, None]
    if output.ndim != 4:
        shape = "x".join(map(str, output.shape))
        hint = f"; {GRID_HINT.format(layer)}" if output.ndim == 3 else ""
        raise LayerError(
            f"layer {layer!r} puts out shape {shape}, not a map (n, channels, rows, cols){hint}"
        )
    return output


def read_map(
    layer: str, output: object, graph: Graph | ExportError | None
) -> Float[Tensor, "n channels rows cols"]:
    """A layer's output as a map.

    Args:
        layer: module path.
        output: what it put out.
        graph: of the model, or why there is none; without one, four dimensions are read as
            (n, channels, rows, cols).

    Raises:
        LayerError: when it is not a map, or it is not known which dimensions are rows and columns.
    """
    if isinstance(output, Tensor) and not output.is_floating_point():
        kind = str(output.dtype).removeprefix("torch.")
        raise LayerError(f"layer {layer!r} puts out {kind} numbers, not floating ones")
    if not isinstance(graph, Graph) or not isinstance(output, Tensor) or output.ndim < 2:
        return require_map(layer, _on_asked_grid(layer, output))
    layout, grid = map_layout(graph, layer), graph.token_grid(graph.layer(layer))
    if grid is not None:
        assert layout.row_dim is not None
        output = grid.cut(output, layout.row_dim)
    return as_map(output, layout)


def _on_asked_grid(layer: str, output: object) -> object:
    """Tokens (n, tokens, channels) as the grid that the layer's name says they are."""
    name = LayerName.parse(layer)
    if name.grid is None or not isinstance(output, Tensor):
        return output
    rows, cols, before = name.grid
    if output.ndim != 3 or output.shape[1] != before + rows * cols:
        shape = "x".join(map(str, output.shape[1:]))
        raise LayerError(
            f"layer {layer!r}: an image's output of shape {shape} is no row of {before} and "
            f"{rows}x{cols} tokens"
        )
    return TokenGrid(output.shape[1], before, (rows, cols)).cut(output, 1).permute(0, 3, 1, 2)


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
    functions = [each for each in layers if isinstance(graph, Graph) and graph.is_function(each)]
    modules = [each for each in layers if each not in functions]
    seen: dict[str, object] = {}
    if modules or not functions:
        with watched(model, modules) as seen:
            model(images)
    if functions:
        assert isinstance(graph, Graph)
        seen |= _computed(graph, images, functions)
    return {layer: read_map(layer, seen.get(layer), graph) for layer in layers}


def _computed(
    graph: Graph, images: Float[Tensor, "n c h w"], layers: Sequence[str]
) -> dict[str, Tensor]:
    """What operations that no module makes put out: no hook sees them, so the graph is run."""
    nodes = {layer: graph.layer(layer.partition("[")[0]) for layer in layers}
    batches = [images] if graph.any_batch else [image[None] for image in images]
    found = [graph.run(batch, nodes.values()) for batch in batches]
    return {layer: torch.cat([each[node] for each in found]) for layer, node in nodes.items()}
