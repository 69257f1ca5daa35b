"""Relations that follow from layouts alone: which digits of a position survive an operator."""

from __future__ import annotations

from collections.abc import Sequence

from erf.geometry.axis import IDENTITY, Relation, Whole, Window
from erf.geometry.rearrange import Digits
from erf.graph.layout import SPATIAL, Axis, Digit, Layout
from erf.graph.node import Certainty, Node, Read


def digit_relation(
    kept: Sequence[tuple[Digit, Digit]], free: Sequence[Digit], outputs: int
) -> Relation:
    """Relation along one axis.

    Args:
        kept: (input digit, output digit) pairs that are equal in value.
        free: input digits that are read at every value.
        outputs: positions of the output.
    """
    kept = [(into, out) for into, out in kept if into.size > 1 or not free]
    free = [digit for digit in free if digit.size > 1]
    if not kept:
        return Whole(_product(free))
    every = _product([out for _, out in kept]) == outputs  # no digit of the output is broadcast
    if every and not free and all(into.step == out.step for into, out in kept):
        return IDENTITY
    if every and len(kept) == len(free) == 1 and kept[0][1].step == free[0].step == 1:
        into, block = kept[0][0], free[0]
        if into.step == block.size:
            return Window(block.size, block.size)
    return Digits(
        outputs,
        tuple((into.size, out.step, into.step) for into, out in kept),
        tuple((digit.size, digit.step) for digit in free),
    )


def _product(digits: Sequence[Digit]) -> int:
    total = 1
    for digit in digits:
        total *= digit.size
    return total


def read_through(
    source: Node,
    before: Layout,
    after: Layout,
    dims: Sequence[int | None],
    summed: bool = False,
) -> Read:
    """The read of an operator that keeps some dimensions as they are and mixes the others.

    Args:
        source: the input.
        before: meaning of its dimensions (broadcast or regrouped as the operator sees them).
        after: meaning of the output's.
        dims: for each dimension of ``before`` the dimension of ``after`` it becomes, None where
            it is summed or otherwise mixed.
        summed: whether every output reads all of what is mixed. Else it reads an unknown part.
    """
    relations = []
    for axis in (Axis.ROW, Axis.COL):
        kept, free = _partition(axis, before, after, dims)
        relations.append(digit_relation(kept, free, after.size(axis)))
    rows, cols = relations
    return Read(source, rows, cols, _certainty(before, after, dims, summed))


def _partition(
    axis: Axis, before: Layout, after: Layout, dims: Sequence[int | None]
) -> tuple[list[tuple[Digit, Digit]], list[Digit]]:
    kept: list[tuple[Digit, Digit]] = []
    free: list[Digit] = []
    for dim, into in zip(before.dims, dims, strict=True):
        mine = [digit for digit in dim if digit.axis is axis]
        theirs = [] if into is None else [d for d in after.dims[into] if d.axis is axis]
        if [d.size for d in mine] == [d.size for d in theirs]:
            kept += zip(mine, theirs, strict=True)
        else:
            free += mine
    return kept, free


def _certainty(
    before: Layout, after: Layout, dims: Sequence[int | None], summed: bool
) -> Certainty:
    mixed = {d for d, into in enumerate(dims) if into is None}
    lost = _dims_with(before, (Axis.LOST,))
    placed = _dims_with(before, SPATIAL)
    if lost:
        if after.lost and not lost & mixed:
            return Certainty.EXACT
        if summed and lost <= mixed:
            return Certainty.GATHERED
        return Certainty.BOUND if after.lost else Certainty.PICKED
    if after.lost and placed and not (summed and placed <= mixed):
        return Certainty.SCATTERED
    return Certainty.EXACT


def _dims_with(layout: Layout, axes: Sequence[Axis]) -> set[int]:
    return {d for d, dim in enumerate(layout.dims) if any(digit.axis in axes for digit in dim)}
