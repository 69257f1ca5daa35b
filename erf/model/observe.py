"""Reading layers: what they put out, as maps."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from erf.errors import ExportError, LayerError
from erf.graph import Graph, as_map, map_layout
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
        raise LayerError(
            f"layer {layer!r} puts out shape {shape}, not a map (n, channels, rows, cols)"
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
        return require_map(layer, output)
    layout, grid = map_layout(graph, layer), graph.tokens.get(graph.layer(layer))
    if grid is not None:
        assert layout.row_dim is not None
        output = grid.cut(output, layout.row_dim)
    return as_map(output, layout)


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
