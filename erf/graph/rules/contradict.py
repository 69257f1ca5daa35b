"""Operands whose positions contradict each other: place against place, element by element.

A square map plus its transpose, blocks against the windows around them, window means put back:
where the meanings of a dimension differ, the first operand's is kept, and what the others then read
is listed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
from jaxtyping import Int64

from erf.graph.layout import Axis, Dim, Layout, has_position
from erf.graph.node import Node, Read
from erf.graph.rules.pairs import index_of, pairs_of, read_pairs

LARGEST = 2**24
"""Elements beyond which places are not listed."""


def read_listed(source: Node, before: Layout, letters: str, after: Layout, out: str) -> Read | None:
    """What each output position reads of an operand; None where it cannot be listed.

    Args:
        source: the operand.
        before: meaning of its dimensions, each with a letter of its own.
        letters: of these dimensions; those missing from ``out`` are summed over.
        after: meaning of the output's dimensions.
        out: their letters.
    """
    if before.lost or after.lost or source.layout is None:
        return None
    mine, theirs = (
        dict(zip(letters, before.dims, strict=True)),
        dict(zip(out, after.dims, strict=True)),
    )
    every = [
        letter
        for letter in dict.fromkeys(out + letters)
        if has_position(mine.get(letter, ())) or has_position(theirs.get(letter, ()))
    ]
    sizes = [max(_size(mine.get(x, ())), _size(theirs.get(x, ()))) for x in every]
    if prod(sizes) > LARGEST or _shifts_batch(mine, theirs, every):
        return None
    here, there = (_spread(layout, every, sizes) for layout in (theirs, mine))
    columns = after.size(Axis.COL), before.size(Axis.COL)
    outputs, inputs = (
        (rows * width + cols).ravel()
        for (rows, cols), width in zip((here, there), columns, strict=True)
    )
    read = read_pairs(source, pairs_of(outputs, inputs, after, before), after, before)
    unlike = any(
        has_position(dim) and not has_position(theirs.get(x, dim)) for x, dim in mine.items()
    )
    return Read(source, read.rows, read.cols, read.certainty, read.pairs, apart=unlike)


def _size(dim: Dim) -> int:
    return prod(digit.size for digit in dim)


def _shifts_batch(mine: Mapping[str, Dim], theirs: Mapping[str, Dim], every: Sequence[str]) -> bool:
    """Whether one image might read another: the batch is not the same digit of one dimension."""
    for letter in every:
        before, after = (index_of(Layout((d.get(letter, ()),)), Axis.BATCH) for d in (mine, theirs))
        same = before.shape == after.shape and (before == after).all()
        if (before.any() or after.any()) and not same:
            return True
    return False


def _spread(
    dims: Mapping[str, Dim], every: Sequence[str], sizes: Sequence[int]
) -> tuple[Int64[np.ndarray, "..."], Int64[np.ndarray, "..."]]:
    """Row and column of every element, over all letters."""
    layout = Layout(tuple(dims.get(letter, ()) for letter in every))
    rows, cols = (
        np.broadcast_to(index_of(layout, axis), tuple(sizes)) for axis in (Axis.ROW, Axis.COL)
    )
    return rows, cols
