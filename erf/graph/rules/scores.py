"""Scores of queries against keys, some of which constants shut out: who is left to be read.

A causal mask, or one of neighbours, decides for every query which keys and values it reads. Scores
hold their keys as channels, which have no place; so what sums over them, the product with the
values, looks past its scores to the queries and keys that they were made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from erf.graph.layout import Layout
from erf.graph.node import Call, Node, Read, constant_value
from erf.graph.rules.pairs import join, places, read_pairs

Allowed = Bool[np.ndarray, "lines queries keys"]

HIDDEN = -700.0
"""A score below which the weight of a key is zero in double precision, if others are ordinary."""
LARGEST = 2**26
"""Scores of a layer beyond which a mask is left a bound."""


def causal(queries: int, keys: int) -> Allowed:
    """Each query looks at the keys up to its own."""
    return np.tril(np.ones((1, queries, keys), dtype=bool))


def allowed_by(mask: Tensor, shape: Sequence[int]) -> Allowed | None:
    """Which keys a mask lets each query look at; numbers that are not very low only weigh them.

    None where a number is so low that it depends on the scores whether it shuts a key out.
    """
    if mask.dtype is not torch.bool:
        lowest = _lowest(mask.dtype)
        if bool(((mask < HIDDEN) & (mask > lowest)).any()):
            return None
        mask = mask > lowest
    return _lines(mask, shape)


def _lowest(dtype: torch.dtype) -> float:
    """A number, or minus infinity, that scores never reach: who has it is shut out."""
    return max(torch.finfo(dtype).min / 2, -1e30)


def _lines(mask: Bool[Tensor, "..."], shape: Sequence[int]) -> Allowed:
    return mask.expand(tuple(shape)).reshape(-1, *shape[-2:]).numpy()


@dataclass(frozen=True, eq=False)
class Operands:
    """What attention reads.

    Attributes:
        query, value: with features last.
        key: with features last, or, if ``turned``, last but one.
        turned: how the key is laid out.
        soft: whether weights of one query add up to one, so that a single key gets all of it.
    """

    query: Node
    key: Node
    value: Node
    turned: bool = False
    soft: bool = True


def reads_of(operands: Operands, after: Layout, allowed: Allowed) -> tuple[Read, ...] | None:
    """What each query reads, exactly; None where positions of some operand are not known."""
    if after.lost or allowed.size > LARGEST:
        return None
    lines = _sequences(after, -2)
    several = allowed
    if operands.soft:  # a single key has all weight, whatever query and key say
        several = allowed & (allowed.sum(axis=-1, keepdims=True) > 1)
    choice = np.broadcast_to(several.any(axis=-1, keepdims=True), several.shape)
    own = choice[..., :1] & (np.eye(allowed.shape[-2]) > 0)
    reads = []
    for node, which, dim in (
        (operands.query, own, -2),
        (operands.key, several, -1 if operands.turned else -2),
        (operands.value, allowed, -2),
    ):
        if node.layout is None or node.layout.lost:
            return None
        before = node.layout.settled()
        inputs = _sequences(before, dim)
        if inputs.shape != (len(lines), which.shape[-1]) or len(which) not in (1, len(lines)):
            return None
        pairs = join(lines, inputs, which, after, before)
        if pairs.nnz:
            reads.append(read_pairs(node, pairs, after, before))
    return tuple(reads)


def _sequences(layout: Layout, dim: int) -> Int64[np.ndarray, "lines length"]:
    """Places along one of the last two dimensions, a line for each place of those before them."""
    here = places(layout)
    return (here[..., 0] if dim == -2 else here[..., 0, :]).reshape(-1, layout.shape[dim])


def behind(weights: Node, value: Node) -> tuple[Operands, Allowed] | None:
    """What masked scores were made of, found by walking back from the weights of values.

    None where nothing is shut out, or something on the way is not understood.
    """
    allowed: Allowed | None = None
    soft, node = False, weights
    while True:
        if node.shape[-2:] != weights.shape[-2:] or node.layout is None:
            return None
        mask = _shut(node.call, soft)
        if mask is _UNKNOWN:
            return None
        if isinstance(mask, np.ndarray):
            allowed = mask if allowed is None else allowed & mask
        if node.op in PRODUCTS:
            query, key = node.inputs[-2:]
            if allowed is None or query.layout is None or key.layout is None:
                return None
            return Operands(query, key, value, turned=True, soft=soft), allowed
        if len(node.call.sources) != 1 or node.op not in PASSING:
            return None
        if "softmax" in node.op and allowed is not None:
            return None  # shut out after all keys were weighed against each other
        soft |= "softmax" in node.op
        node = node.call.sources[0]


PRODUCTS = frozenset(f"aten.{name}" for name in ("mm", "bmm", "matmul", "baddbmm"))
PASSING = frozenset(
    f"aten.{name}"
    for name in (
        *("softmax", "_softmax", "view", "_unsafe_view", "reshape", "clone", "dropout", "to"),
        *("_to_copy", "contiguous", "unsqueeze", "squeeze", "mul", "div", "add", "sub", "tril"),
        *("triu", "masked_fill", "where"),
    )
)
"""Operators that scores pass between being made and being used."""


class _Unknown:
    """It is not known what is shut out."""


_UNKNOWN = _Unknown()


def _shut(call: Call, soft: bool) -> Allowed | _Unknown | None:
    """Which scores are left by one operator; None where it shuts nothing out.

    Args:
        call: the operator.
        soft: whether a softmax follows: then low scores are shut out, else zeros are.
    """
    match call.op:
        case "aten.softmax" | "aten._softmax":
            last = call["dim"] % len(call.shape) == len(call.shape) - 1
            return None if last and not soft else _UNKNOWN
        case "aten.tril" | "aten.triu":
            kept = call.target(torch.ones(call.shape), call["diagonal"]) if call.target else None
            return _UNKNOWN if soft or kept is None else _lines(kept > 0, call.shape)
        case "aten.masked_fill":
            return _filled(call, call["mask"], call["value"], soft)
        case "aten.where":
            condition, kept, fill = call["condition"], call["self"], call["other"]
            if not isinstance(kept, Node) or kept.layout is None:
                return _UNKNOWN
            return _filled(call, condition, fill, soft, taken=False)
        case "aten.mul" | "aten.add" | "aten.sub" | "aten.baddbmm" | "aten.div":
            return _weighed(call, soft)
        case _:
            return None


def _filled(
    call: Call, mask: Node, fill: object, soft: bool, taken: bool = True
) -> Allowed | _Unknown:
    """Scores that a mask sets to one number."""
    if mask.layout is not None:
        return _UNKNOWN
    if isinstance(fill, Node):
        if fill.layout is not None:
            return _UNKNOWN
        values = constant_value(fill)
        if values.numel() == 0 or bool((values != values.flatten()[0]).any()):
            return _UNKNOWN
        fill = values.flatten()[0].item()
    if not isinstance(fill, (int, float)):
        return _UNKNOWN
    hidden = fill <= _lowest(call.dtype) if soft else fill == 0
    chosen = constant_value(mask)
    return _lines(~chosen if taken else chosen, call.shape) if hidden else _UNKNOWN


def _weighed(call: Call, soft: bool) -> Allowed | _Unknown | None:
    """Scores that meet constants: terms may be infinite, factors zero."""
    left = None
    for name, other in call.arguments.items():
        if not isinstance(other, Node) or other.layout is not None:
            continue
        value = constant_value(other)
        factor = call.op in ("aten.mul", "aten.div")
        if name == "self" and call.op in ("aten.sub", "aten.div"):
            return _UNKNOWN
        if factor and bool((value == 0).any()):
            if soft or call.op == "aten.div":
                return _UNKNOWN
            left = _lines(value != 0, call.shape)
        elif not factor:
            value = -value if call.op == "aten.sub" else value
            value = value if value.is_floating_point() else value.double()
            found = allowed_by(value, call.shape)
            if found is None or (not soft and not found.all()):
                return _UNKNOWN
            left = None if found.all() else found
    return left
