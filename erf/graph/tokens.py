"""Tokens with others among them (a class token, registers): which of them are the grid.

Where tokens of a grid are joined with others, their positions are given up (see `Layout`), since no
later operator treats them as a grid. A layer of such tokens is read as the grid without the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from erf.errors import LayerError
from erf.geometry.axis import Whole
from erf.graph.layout import Axis, Digit, Dim, Layout, has_position
from erf.graph.node import Call, Certainty, Effect, Node, Read
from erf.graph.rules import effect_of
from erf.layer_name import LayerName


@dataclass(frozen=True)
class TokenGrid:
    """Which of a row of tokens are a grid.

    Attributes:
        tokens: how many there are with the others.
        start: the grid's first token.
        size: (rows, cols) of the grid, whose tokens follow each other row by row.
    """

    tokens: int
    start: int
    size: tuple[int, int]

    @property
    def stop(self) -> int:
        """The one after the grid's last token."""
        return self.start + self.size[0] * self.size[1]

    def cut(self, output: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
        """A layer's output with its tokens as rows and columns, the others left out.

        Example:
            >>> TokenGrid(5, 1, (2, 2)).cut(torch.arange(5)[None, :, None], 1).tolist()
            [[[[1], [2]], [[3], [4]]]]
        """
        grid = output.narrow(dim, self.start, self.stop - self.start)
        return grid.reshape(*output.shape[:dim], *self.size, *output.shape[dim + 1 :])


def token_grids(nodes: Iterable[Node]) -> dict[Node, TokenGrid]:
    """The grid among the tokens of every node that has lost its positions to a ``cat``."""
    found: dict[Node, TokenGrid] = {}
    for node in nodes:
        if node.layout is None or not node.layout.lost:
            continue
        grid = _joined(node, found) if node.op in ("aten.cat", "aten.concat") else None
        if grid is None:
            known = (found.get(source) for source in node.call.sources)
            grid = next((each for each in known if each is not None), None)
        if grid is not None:
            found[node] = grid
    return found


def _joined(node: Node, found: dict[Node, TokenGrid]) -> TokenGrid | None:
    """Where the grid is among what is joined; None where that is not one part of it."""
    dim, start = node.arguments["dim"] % len(node.shape), 0
    places = []
    for part in node.arguments["tensors"]:
        size = part.shape[dim]
        if part.layout is not None:
            grid = found.get(part)
            if part.layout.positioned and not part.layout.lost:
                places.append((start, part.layout.map_size))
            elif grid is not None and size == grid.stop - grid.start:
                places.append((start, grid.size))
            elif grid is not None and size == grid.tokens:
                places.append((start + grid.start, grid.size))
        start += size
    if len(places) != 1:
        return None
    offset, (rows, cols) = places[0]
    return TokenGrid(node.shape[dim], offset, (rows, cols))


def token_dim(node: Node, grid: TokenGrid) -> int | None:
    """The dimension of a node that counts all tokens and nothing else."""
    assert node.layout is not None
    wanted: Dim = (Digit(Axis.LOST, grid.tokens),)
    dims = [d for d, dim in enumerate(node.layout.dims) if dim == wanted]
    return dims[0] if len(dims) == 1 else None


def on_grid(node: Node, grid: TokenGrid, dim: int) -> list[Node]:
    """Two nodes more, the last of which is the node's tokens as a map without the others."""
    arguments = {"self": node, "dim": dim, "start": grid.start, "end": grid.stop, "step": 1}
    length = grid.stop - grid.start
    part = _call(node, "slice", torch.ops.aten.slice.Tensor, arguments, dim, (length,))
    sliced = Node(part, effect_of(part))
    size = [*node.call.symbolic[:dim], *grid.size, *node.call.symbolic[dim + 1 :]]
    view = _call(
        node,
        "grid",
        torch.ops.aten.reshape.default,
        {"self": sliced, "shape": size},
        dim,
        grid.size,
    )
    assert node.layout is not None
    dims = node.layout.dims
    rows, cols = (
        (Digit(axis, count),) for axis, count in zip((Axis.ROW, Axis.COL), grid.size, strict=True)
    )
    layout = Layout((*dims[:dim], rows, cols, *dims[dim + 1 :]))
    read = Read(sliced, Whole(1), Whole(1), Certainty.PICKED)
    return [sliced, Node(view, Effect(layout, (read,)))]


def asked_grid(node: Node, name: LayerName) -> tuple[TokenGrid, int]:
    """The grid that a layer's name says its tokens are, and which dimension they are.

    Raises:
        LayerError: when no dimension of the output has so many tokens.
    """
    assert name.grid is not None
    rows, cols, before = name.grid
    tokens = before + rows * cols
    places = [d for d, size in enumerate(node.shape) if d > 0 and size == tokens]
    known = [] if node.layout is None else [d for d in places if has_position(node.layout.dims[d])]
    if not places:
        shape = "x".join(map(str, node.shape[1:]))
        raise LayerError(
            f"layer {name.text!r}: an image's output of shape {shape} has no dimension of "
            f"{tokens} tokens, {before} and {rows}x{cols}"
        )
    return TokenGrid(tokens, before, (rows, cols)), (known or places)[0]


def _call(
    node: Node,
    what: str,
    target: object,
    arguments: dict[str, object],
    dim: int,
    new: tuple[int, ...],
) -> Call:
    shape, symbolic = node.shape, node.call.symbolic
    return Call(
        name=f"{node.name}_{what}",
        op=f"aten.{'slice' if what == 'slice' else 'reshape'}",
        target=target,  # type: ignore[arg-type]
        arguments=arguments,
        output=None,
        shape=(*shape[:dim], *new, *shape[dim + 1 :]),
        symbolic=(*symbolic[:dim], *new, *symbolic[dim + 1 :]),
        dtype=node.call.dtype,
        module=node.call.module,
    )
