"""The questions: a layer's theoretical field, and the units a box of pixels can reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from erf.binding import bound
from erf.borrow import placed_like
from erf.errors import LayerError, SettingError
from erf.geometry import Box
from erf.graph import graph_of
from erf.inputs import Inputs
from erf.scripted import open_to_hooks
from erf.theoretical.analyse import analyse
from erf.theoretical.field import TheoreticalField
from erf.theoretical.nan import nan_field
from erf.theoretical.propagate import Walk
from erf.theoretical.support import reached

Method = Literal["graph", "nan"]


def theoretical_field(
    model: nn.Module,
    layer: str,
    *,
    image_size: tuple[int, int] = (500, 500),
    channels: int = 3,
    method: Method = "graph",
    inputs: Mapping[str, Any] | Inputs | None = None,
) -> TheoreticalField:
    """The theoretical receptive field of a layer: of all its units.

    A weight counts as reading, be it zero today; what is zero by construction does not: a tap of an
    interpolation that is asked for a sample itself, what a constant mask shuts out. For stride and
    padding see Araujo, Norris, Sim: Computing Receptive Fields of Convolutional Neural Networks,
    Distill 2019.

    Args:
        model: any module that takes one image (n, channels, rows, cols); left as found.
        layer: module path, as in ``model.named_modules()``; of a module called more than once, its
            last call.
        image_size: (rows, cols). It decides how many units there are and where the border is, not
            the size of the field, which may be larger.
        channels: of the image.
        method: ``graph`` derives fields by rules from the exported model. ``nan`` finds the boxes
            by forward passes alone, many of them, and cannot look beyond the image.
        inputs: what the model takes beside the image, as of `erf.Subject`.

    Raises:
        ExportError: when the model cannot be exported; ``method="nan"`` does not need it.
        LayerError: when there is no such layer.
        ModelError: when the model needs another input, which is named.
        SettingError: for another method.
    """
    if method not in ("graph", "nan"):
        raise SettingError(f"method {method!r} is neither graph nor nan")
    model = open_to_hooks(model)
    image = placed_like(model, torch.zeros(channels, *image_size))
    with bound(model, image, Inputs.of(inputs)):
        if method == "nan":
            return nan_field(model, layer, image_size, channels=channels)
        return analyse(graph_of(model, (1, *image.shape)), [layer])[0]


def projective_box(
    model: nn.Module,
    layer: str,
    box: Box,
    *,
    image_size: tuple[int, int] = (500, 500),
    channels: int = 3,
    inputs: Mapping[str, Any] | Inputs | None = None,
) -> Box:
    """The smallest box of units of a layer that pixels of ``box`` can reach.

    Empty, at the origin, if they reach none: between the taps of a dilated or strided kernel.
    Where the layer's status is ``upper_bound``, so is this.

    Args:
        model: as in `theoretical_field`.
        layer: module path.
        box: pixels; what lies outside the image reaches nothing.
        image_size: (rows, cols).
        channels: of the image.
        inputs: what the model takes beside the image, as of `erf.Subject`.

    Raises:
        ExportError: when the model cannot be exported.
        LayerError: when there is no such layer, or it does not depend on the image.
    """
    model = open_to_hooks(model)
    image = placed_like(model, torch.zeros(channels, *image_size))
    with bound(model, image, Inputs.of(inputs)):
        graph = graph_of(model, (1, *image.shape))
    node = graph.layer(layer)
    if node.layout is None:
        raise LayerError(f"layer {layer!r} does not depend on the image")
    pixels = np.zeros(image_size, dtype=bool)
    pixels[box.clip(image_size).slices()] = True
    units = reached(Walk.to(graph, [node]), node, pixels)
    if not units.any():
        return Box(0, 0, 0, 0)
    rows, cols = np.flatnonzero(units.any(axis=1)), np.flatnonzero(units.any(axis=0))
    found = Box(int(rows[0]), int(cols[0]), int(rows[-1]) + 1, int(cols[-1]) + 1)
    if node.layout.turned:
        return Box(found.left, found.top, found.right, found.bottom)
    return found
