"""Layers: finding them by name, watching what they put out."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from erf.borrow import borrowed, placed_like
from erf.errors import ExportError, LayerError
from erf.graph import Graph, as_map, map_layout, try_export


@dataclass(frozen=True)
class Layer:
    """A layer whose output is a map.

    Attributes:
        name: module path.
        kind: class of the module.
        channels: of its output.
        size: (rows, cols) of its output.
    """

    name: str
    kind: str
    channels: int
    size: tuple[int, int]


def find_layer(model: nn.Module, name: str) -> nn.Module:
    """The module at this path.

    Raises:
        LayerError: when there is none; the message names near matches.
    """
    modules = dict(model.named_modules())
    if name in modules and name:
        return modules[name]
    names = [known for known in modules if known]
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    raise LayerError(f"layer {name!r} is not one of the model's {len(names)} modules{hint}")


def require_map(layer: str, output: object) -> Float[Tensor, "n c rows cols"]:
    """The output, if it is a map.

    Raises:
        LayerError: when it is anything else, or the layer did not run.
    """
    if output is None:
        raise LayerError(f"layer {layer!r} does not run in the model's forward pass")
    if not isinstance(output, Tensor):
        raise LayerError(f"layer {layer!r} puts out a {type(output).__name__}, not a map")
    if output.ndim != 4:
        shape = "x".join(map(str, output.shape))
        raise LayerError(
            f"layer {layer!r} puts out shape {shape}, not a map (n, channels, rows, cols)"
        )
    return output


@contextmanager
def watched(model: nn.Module, names: Sequence[str]) -> Iterator[dict[str, object]]:
    """Collect what layers put out while the model runs: ``{name: output}``, the last call's.

    Outputs are copied as the module returns them, before an in-place operator that follows
    (``nn.ReLU(inplace=True)``) can overwrite them.
    """
    seen: dict[str, object] = {}
    with ExitStack() as stack:
        for name in names:

            def keep(_: nn.Module, __: object, output: object, name: str = name) -> None:
                seen[name] = output.clone() if isinstance(output, Tensor) else output

            stack.enter_context(find_layer(model, name).register_forward_hook(keep))
        yield seen


def layers(model: nn.Module, image_size: tuple[int, int], channels: int = 3) -> list[Layer]:
    """All layers that can be named in a probe, in the order in which they finish.

    Of a model that can be exported it is known which dimensions are rows and columns, whatever
    their order; of others four dimensions are taken for (n, channels, rows, cols).

    Args:
        model: any module that takes one image (1, channels, rows, cols).
        image_size: (rows, cols) of the image, pixels.
        channels: of the image.
    """
    kinds = {name: type(module).__name__ for name, module in model.named_modules() if name}
    with borrowed(model), watched(model, list(kinds)) as seen:
        model(placed_like(model, torch.zeros(1, channels, *image_size)))
    graph = try_export(model, (1, channels, *image_size))
    maps = ((name, _shown(name, output, graph)) for name, output in seen.items())
    return [
        Layer(name, kinds[name], shown.shape[1], (shown.shape[2], shown.shape[3]))
        for name, shown in maps
        if shown is not None
    ]


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
    if isinstance(graph, Graph) and isinstance(output, Tensor) and output.ndim > 2:
        return as_map(output, map_layout(graph, layer))
    return require_map(layer, output)


def _shown(
    layer: str, output: object, graph: Graph | ExportError
) -> Float[Tensor, "n channels rows cols"] | None:
    """The map that a probe would read; None where it would refuse."""
    try:
        return read_map(layer, output, graph)
    except LayerError:
        return None
