"""Constants that shut out: masks, and factors that are zero by construction.

A mask over positions is exact: what it shuts out is not read. So is a factor of zero, which NaN
passes, but no change. A mask over channels is a bound: scores of queries against keys hold their
keys as channels, and which of them are left is not known to what sums over them. Parameters never
shut out: theory is that of an architecture, whatever its weights are today.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor, nn

from erf.graph.layout import Axis, Layout, has_position
from erf.graph.node import Call, Certainty, Effect, Node, Read, constant_value
from erf.graph.rules.pairs import pairs_of, places, read_pairs

MASKED = " by a constant mask"
"""How the reason ends where a constant shuts out some of what is read."""

CHOICES = {
    "aten.masked_fill": ("mask", {"value": True, "self": False}),
    "aten.where": ("condition", {"self": True, "other": False}),
}
"""Operators that choose by an argument, and for which of its values each operand is taken."""


def gated(call: Call, after: Layout, reads: Sequence[Read]) -> Effect:
    """The effect of a pointwise operator some of whose operands may be constants that shut out."""
    if call.op in CHOICES:
        name, taken = CHOICES[call.op]
        mask = call.get(name)
        if isinstance(mask, Node) and mask.layout is None and len(mask.shape) >= 1:
            return _chosen(call, after, reads, constant_value(mask).expand(after.shape), taken)
    if any(_is_infinite(call, node, after) for node in call.inputs if node.layout is None):
        return bound(call, after, reads)
    factor = zeros(call)
    if factor is None:
        return Effect(after, tuple(reads))
    factor = factor.expand(after.shape)
    if _along_channels(factor, after):
        return bound(call, after, reads)
    return Effect(after, tuple(_where(read, after, (~factor).numpy()) for read in reads))


def zeros(call: Call) -> Bool[Tensor, "..."] | None:
    """Where the constant that a call multiplies by is zero by construction; None if nowhere."""
    if call.op != "aten.mul":
        return None
    factors = [call["self"], call["other"]]
    if any(isinstance(factor, (int, float)) and factor == 0 for factor in factors):
        return torch.ones((), dtype=torch.bool)
    for node in factors:
        if isinstance(node, Node) and node.layout is None:
            found = _structure(node) == 0
            return found if bool(found.any()) else None
    return None


def bound(call: Call, after: Layout, reads: Sequence[Read], why: str = MASKED) -> Effect:
    """The effect where it is not known what a constant leaves."""
    bounds = tuple(replace(read, certainty=Certainty.BOUND) for read in reads)
    return Effect(after, bounds, f"{call.op}{why}")


def _chosen(
    call: Call, after: Layout, reads: Sequence[Read], mask: Tensor, taken: dict[str, bool]
) -> Effect:
    """Where a constant chooses among operands."""
    if _along_channels(mask, after):
        return bound(call, after, reads)
    left = []
    for read in reads:
        wanted = {value for name, value in taken.items() if call.get(name) is read.source}
        if len(wanted) > 1:
            left.append(read)
            continue
        opened = mask if wanted.pop() else ~mask
        if bool(opened.all()):
            left.append(read)
        elif bool(opened.any()):
            left.append(_where(read, after, opened.numpy()))
    return Effect(after, tuple(left)) if left else Effect(None)


def _where(read: Read, after: Layout, opened: Bool[np.ndarray, "..."]) -> Read:
    """A read that only some output positions make."""
    source = read.source.layout
    same = source is not None and source.map_size == after.map_size
    if not same or not (read.rows.identity and read.cols.identity) or after.lost:
        return replace(read, certainty=Certainty.BOUND)
    here = places(after)[opened]
    assert source is not None
    return read_pairs(read.source, pairs_of(here, here, after, source), after, source)


def _is_infinite(call: Call, node: Node, after: Layout) -> bool:
    """Whether a constant term is infinite for some channels, as that of masked scores is."""
    if call.op not in ("aten.add", "aten.sub") or len(node.shape) < 2:
        return False
    if isinstance(node.value, nn.Parameter):
        return False
    gates = torch.isinf(_structure(node))
    return bool(gates.any()) and _along_channels(gates.expand(after.shape), after)


def _structure(node: Node) -> Tensor:
    """A constant with every parameter in it counted as one: its zeros are there by construction.

    A model without values, on the meta device, has none.
    """
    try:
        return constant_value(node, ones=True)
    except ValueError:
        return torch.ones(node.shape)


def _along_channels(gates: Tensor, after: Layout) -> bool:
    """Whether a mask differs among the channels of a position."""
    for dim, digits in enumerate(after.dims):
        features = not has_position(digits) and all(d.axis is Axis.CHANNEL for d in digits)
        if features and bool((gates != gates.narrow(dim, 0, 1)).any()):
            return True
    return False


def sparse_by_construction(node: Node) -> bool:
    """Whether a constant matrix or kernel has zeros that no training fills."""
    if isinstance(node.value, nn.Parameter) or prod(node.shape) == 0:
        return False
    return bool((_structure(node) == 0).any())
