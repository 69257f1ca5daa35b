"""The layers of a model that can be named in a probe."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from erf.binding import bound
from erf.borrow import borrowed, placed_like
from erf.errors import ExportError, LayerError
from erf.graph import Graph, as_map, map_layout, try_graph_of
from erf.inputs import Inputs
from erf.layer_name import LayerName
from erf.misfit import explained
from erf.model.observe import read_map
from erf.modules import listed
from erf.scripted import open_to_hooks

LARGE = 2**23
"""Numbers of an image from which on a pass takes long, and much memory."""
FEW = 3
"""Sizes from which on a network is one of several scales."""


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


def layers(
    model: nn.Module,
    image_size: tuple[int, int],
    channels: int = 3,
    *,
    inputs: Mapping[str, Any] | Inputs | None = None,
    every: bool = False,
) -> list[Layer]:
    """All layers that can be named in a probe, in the order in which they finish.

    Of a model that can be exported it is known which dimensions are rows and columns, whatever
    their order; of others four dimensions are taken for (n, channels, rows, cols).

    Args:
        model: any module that takes one image (1, channels, rows, cols).
        image_size: (rows, cols) of the image, pixels.
        channels: of the image.
        inputs: what the model takes beside the image, as of `erf.Subject`.
        every: whether to list operations that no module makes, after the modules.

    Raises:
        ModelError: when the model does not take such an image, or needs another input.

    Example:
        >>> import torch
        >>> [each.name for each in layers(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3)), (16, 16))]
        ['0']
    """
    model = open_to_hooks(model)
    image = placed_like(model, torch.zeros(())).expand(channels, *image_size)
    with bound(model, image, Inputs.of(inputs)):
        graph = try_graph_of(model, (1, *image.shape))
        found = list_layers(model, image, graph)
    return found + (list_functions(graph) if every and isinstance(graph, Graph) else [])


def list_layers(model: nn.Module, image: Tensor, graph: Graph | ExportError | None) -> list[Layer]:
    """The layers of a model on an image of its device and type; see `layers`."""
    kinds = {name: type(module).__name__ for name, module in model.named_modules()}
    found = []
    for name, output in _outputs(model, image).items():
        try:
            shown = read_map(name, output, graph)
        except LayerError:
            continue
        parsed = LayerName.parse(name)
        kind = kinds[parsed.path_among(kinds)]
        found.append(Layer(name, kind, shown.shape[1], (shown.shape[2], shown.shape[3])))
    return found


def _outputs(model: nn.Module, image: Tensor) -> dict[str, Tensor]:
    """What layers put out; on a large image of shapes alone, where the model runs on these."""
    if image.numel() > LARGE:
        with (
            suppress(Exception),  # whatever a model raises whose steps depend on numbers
            borrowed(model),
            listed(model) as seen,
            FakeTensorMode(allow_non_fake_inputs=True),
        ):
            model(torch.empty((1, *image.shape), dtype=image.dtype, device=image.device))
            return seen
    with borrowed(model), listed(model) as seen, explained(model, (1, *image.shape)):
        model(image[None].clone())
    return seen


def list_functions(graph: Graph) -> list[Layer]:
    """Operations that no module makes and whose results are maps, in the order in which they run.

    Example:
        >>> from erf.graph import export
        >>> class Twice(nn.Module):
        ...     def forward(self, x):
        ...         return torch.relu(x * 2)[:, :2]
        >>> [each.name for each in list_functions(export(Twice(), (1, 3, 8, 8)))]
        ['/mul', '/relu', '/slice']
    """
    found = []
    for name in graph.function_names():
        with suppress(LayerError):
            layout, node = map_layout(graph, name), graph.layer(name)
            if layout.map_size != (1, 1):
                sizes = as_map(torch.empty(node.shape, device="meta"), layout).shape
                found.append(Layer(name, node.op, sizes[1], (sizes[2], sizes[3])))
    return found


def stages(layers: list[Layer]) -> list[Layer]:
    """The layers that make sense to ask about first, in the order in which they finish.

    The last of each size, of the outermost modules; where a network keeps one size, as a vision
    transformer does, quarters of its longest row of blocks too.

    Args:
        layers: in the order in which they finish.

    Example:
        >>> conv, relu = Layer("a", "Conv2d", 8, (32, 32)), Layer("b", "ReLU", 8, (32, 32))
        >>> [each.name for each in stages([conv, relu, Layer("c", "MaxPool2d", 8, (16, 16))])]
        ['b', 'c']
    """
    maps = [layer for layer in layers if min(layer.size) > 1]
    last: dict[tuple[int, int], Layer] = {}
    for layer in maps:
        known = last.get(layer.size)
        if known is None or layer.name.count(".") <= known.name.count("."):
            last[layer.size] = layer
    chosen = set(last.values())
    if len(chosen) < FEW:
        rows: dict[str, list[Layer]] = {}
        for layer in maps:
            row, _, number = layer.name.rpartition(".")
            if number.isdecimal():
                rows.setdefault(row, []).append(layer)
        blocks = max(rows.values(), key=len, default=[])
        chosen |= {blocks[quarter * len(blocks) // 4 - 1] for quarter in (1, 2, 3, 4) if blocks}
    return [layer for layer in maps if layer in chosen]
