"""The layers of a model that can be named in a probe."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from erf.borrow import borrowed, placed_like
from erf.errors import ExportError, LayerError
from erf.graph import Graph, try_graph_of
from erf.layer_name import LayerName
from erf.model.observe import read_map
from erf.modules import listed

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


def layers(model: nn.Module, image_size: tuple[int, int], channels: int = 3) -> list[Layer]:
    """All layers that can be named in a probe, in the order in which they finish.

    Of a model that can be exported it is known which dimensions are rows and columns, whatever
    their order; of others four dimensions are taken for (n, channels, rows, cols).

    Args:
        model: any module that takes one image (1, channels, rows, cols).
        image_size: (rows, cols) of the image, pixels.
        channels: of the image.

    Example:
        >>> import torch
        >>> [each.name for each in layers(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3)), (16, 16))]
        ['0']
    """
    image = placed_like(model, torch.zeros(())).expand(channels, *image_size)
    return list_layers(model, image, try_graph_of(model, (1, *image.shape)))


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
    with borrowed(model), listed(model) as seen:
        model(image[None].clone())
    return seen


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
