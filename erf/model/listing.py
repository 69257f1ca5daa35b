"""The layers of a model that can be named in a probe."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from erf.borrow import borrowed, placed_like
from erf.errors import ExportError, LayerError
from erf.graph import Graph, try_graph_of
from erf.model.observe import read_map
from erf.modules import watched


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
    image = placed_like(model, torch.zeros(channels, *image_size))
    return list_layers(model, image, try_graph_of(model, (1, *image.shape)))


def list_layers(model: nn.Module, image: Tensor, graph: Graph | ExportError | None) -> list[Layer]:
    """The layers of a model on an image of its device and type; see `layers`."""
    kinds = {name: type(module).__name__ for name, module in model.named_modules() if name}
    with borrowed(model), watched(model, list(kinds)) as seen:
        model(image[None].clone())
    found = []
    for name, output in seen.items():
        try:
            shown = read_map(name, output, graph)
        except LayerError:
            continue
        found.append(Layer(name, kinds[name], shown.shape[1], (shown.shape[2], shown.shape[3])))
    return found
