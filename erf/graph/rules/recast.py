"""What a view or permute makes of positions: kept, folded, exchanged with channels, or lost."""

from __future__ import annotations

from erf.geometry.axis import IDENTITY, Relation, Whole, Window
from erf.geometry.rearrange import Repeat
from erf.graph.layout import SPATIAL, Axis, Digit, Layout
from erf.graph.node import Call, Certainty, Effect, Node, Read

ORDERS = ((1, 2, 3), (3, 1, 2))
"""Where (channels, rows, cols) stand in a map of four dimensions."""


def recast(call: Call, source: Node, after: Layout) -> Effect:
    """The effect of giving the source's elements the layout ``after``."""
    before = source.layout
    assert before is not None
    if after.lost and not before.lost:
        rows, cols = before.map_size
        read = Read(source, Whole(rows), Whole(cols), Certainty.SCATTERED)
        return Effect(after.forget(), (read,))
    for order in ORDERS if len(after.dims) == 4 else ():
        found = _as_map(after, order)
        if found is not None:
            layout, rows_, cols_ = found
            certainty = Certainty.PICKED if before.lost else Certainty.EXACT
            folded = any(r != IDENTITY and isinstance(r, Window) for r in (rows_, cols_))
            read = Read(source, rows_, cols_, certainty, apart=folded)
            return Effect(layout, (read,))
    layout, rows_, cols_ = complete(after.settled())
    return Effect(layout, (Read(source, rows_, cols_),))


def complete(after: Layout) -> tuple[Layout, Relation, Relation]:
    """Call channels rows or columns where a map (n, c, h, w) lacks just these.

    So it is after a matrix product along rows: each row of the result reads all that there is.
    """
    relations: list[Relation] = [IDENTITY, IDENTITY]
    if len(after.dims) == 4 and not after.lost:
        for here, there in ((0, 1), (1, 0)):
            dim, axis = after.dims[2 + here], SPATIAL[here]
            plain = after.dim_of(SPATIAL[there]) == 2 + there
            absent = not after.digits(axis) and len(dim) == 1 and dim[0].axis is Axis.CHANNEL
            if plain and absent:
                relations[here] = Whole(1)
                after = after.replace(2 + here, (Digit(axis, dim[0].size),))
    return after, relations[0], relations[1]


def _as_map(after: Layout, order: tuple[int, int, int]) -> tuple[Layout, Relation, Relation] | None:
    """Read four dimensions as a map whose rows or columns changed places with channels."""
    channels, *places = order
    if any(digit.axis in (*SPATIAL, Axis.LOST) for digit in after.dims[0]):
        return None
    relations: list[Relation] = []
    dims = list(after.dims)
    moved = False
    for dim, axis in zip(places, SPATIAL, strict=True):
        relation = _exchange(after, dim, axis, channels)
        if relation is None:
            return None
        moved |= relation != IDENTITY
        relations.append(relation)
        dims[dim] = (Digit(axis, after.shape[dim]),)
    if not moved:
        return None
    dims[channels] = (Digit(Axis.CHANNEL, after.shape[channels]),)
    return Layout(tuple(dims)), relations[0], relations[1]


def _exchange(after: Layout, dim: int, axis: Axis, channels: int) -> Relation | None:
    """Relation of one axis whose leading digit is in ``dim``; None where it is not so simple."""
    here, there = after.dims[dim], after.dims[channels]
    mine = [digit for digit in there if digit.axis is axis]
    total = after.size(axis)
    if any(digit.axis is Axis.LOST for digit in there):
        return None
    if len(here) == 1 and here[0].axis is Axis.LOST:
        return Whole(1)
    if not after.positioned and here and all(d.axis is Axis.CHANNEL for d in here):
        return Whole(1)
    if len(here) == 1 and here[0].axis is axis:
        inner = mine[0].size if mine else 1
        if len(mine) > 1 or here[0].size * inner != total:
            return None
        return Window(mine[0].size, mine[0].size) if mine else IDENTITY
    if not mine and len(here) == 2 and here[0] == Digit(axis, total):
        return Repeat(here[1].size) if here[1].axis is Axis.CHANNEL else None
    return None
