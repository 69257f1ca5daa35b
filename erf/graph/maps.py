"""A layer's output as a map (n, channels, rows, cols), whatever order its own dimensions have."""

from __future__ import annotations

from math import prod

from jaxtyping import Float
from torch import Tensor

from erf.errors import LayerError
from erf.graph.graph import Graph
from erf.graph.layout import Axis, Digit, Layout
from erf.graph.node import Node
from erf.layer_name import GRID_HINT, LayerName

PLAIN = (Axis.BATCH, Axis.CHANNEL, Axis.ROW, Axis.COL)
"""What the dimensions of a map are by PyTorch's convention."""


def map_layout(graph: Graph, layer: str) -> Layout:
    """The meaning of a layer's dimensions, where it is known which of them are rows and columns.

    Raises:
        LayerError: when there is no such layer, or it is not known where in the image its
            positions are.
    """
    node = graph.layer(layer)
    layout = node.layout
    shape = "x".join(map(str, node.shape))
    if layout is None:
        raise LayerError(f"layer {layer!r} does not depend on the image")
    name = LayerName.parse(layer)
    if layout.lost:
        raise LayerError(
            f"layer {layer!r} puts out shape {shape}, of whose positions it is not known which "
            f"grid over the image they are; {GRID_HINT.format(name.path)}"
        )
    if name.grid is not None:
        return layout
    if len(layout.digits(Axis.BATCH)) > 1 or not (
        layout.positioned or len(node.shape) in (2, 4)  # a vector is a map of one unit
    ):
        hint = f"; {GRID_HINT.format(name.path)}" if len(node.shape) == 3 else ""
        raise LayerError(
            f"layer {layer!r} puts out shape {shape}, not a map (n, channels, rows, cols){hint}"
        )
    culprit = _guessed(graph, node)
    if culprit is not None and not is_plain(layout):
        raise LayerError(
            f"layer {layer!r} puts out shape {shape}, and which of these are rows and columns is "
            f"not known after {culprit}"
        )
    return layout


def is_plain(layout: Layout) -> bool:
    """Whether the dimensions are (n, channels, rows, cols)."""
    return len(layout.dims) == 4 and all(
        {digit.axis for digit in dim} <= {axis}
        for dim, axis in zip(layout.dims, PLAIN, strict=True)
    )


def _guessed(graph: Graph, node: Node) -> str | None:
    """An operator without a rule before a node, whose output's dimensions were guessed."""
    for before in graph.before([node]):
        known = [source.layout for source in before.call.sources]
        if before.effect.reason is not None and before.layout not in known:
            return before.op
    return None


def as_map(output: Float[Tensor, "..."], layout: Layout) -> Float[Tensor, "n channels rows cols"]:
    """Lay an output out as a map: positions that share a dimension with others are taken apart.

    Args:
        output: of any batch; of dimensions that are rows or columns alone, any part.
        layout: the meaning of its dimensions, without lost positions.
    """
    digits: list[Digit] = []
    sizes: list[int] = []
    for dim, size in zip(layout.dims, output.shape, strict=True):
        if not dim and size > 1:  # exported for one image alone, run on several
            digits.append(Digit(Axis.BATCH, size))
            sizes.append(size)
        fixed = prod(digit.size for digit in dim if digit.axis is not Axis.BATCH)
        for digit in dim:
            alone = size if len(dim) == 1 else digit.size
            digits.append(digit)
            sizes.append(size // fixed if digit.axis is Axis.BATCH else alone)
    parts = [_places(digits, axis) for axis in PLAIN]
    order = [place for places in parts for place in places]
    shape = [prod(sizes[place] for place in places) for places in parts]
    return output.reshape(sizes).permute(order).reshape(shape)


def _places(digits: list[Digit], axis: Axis) -> list[int]:
    """Where an axis's digits are, the most significant first; channels as they come."""
    places = [place for place, digit in enumerate(digits) if digit.axis is axis]
    if axis is Axis.CHANNEL:
        return places
    return sorted(places, key=lambda place: -digits[place].step)
