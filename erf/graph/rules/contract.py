"""Operators that sum dimensions away: matrix products, attention, reductions, normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool

from erf.graph.layout import Axis, Dim, Layout, channel, has_position
from erf.graph.node import Call, Effect, Node, Read, constant_value
from erf.graph.rules.gate import MASKED, bound, sparse_by_construction
from erf.graph.rules.pairs import join, places, read_pairs
from erf.graph.rules.pointwise import agree
from erf.graph.rules.recast import complete
from erf.graph.rules.relate import read_through
from erf.graph.rules.table import rule, unknown


def contract(call: Call, operands: Sequence[tuple[Node, str]], out: str) -> Effect:
    """A sum of products: each dimension has a letter, letters missing from ``out`` are summed.

    Where two letters of the output mean the same positions (queries against keys), the first
    operand's stay positions and the other's become channels, of which each position has all.
    """
    meanings: dict[str, list[Dim]] = {letter: [] for letter in out}
    for node, letters in operands:
        for letter, dim in zip(letters, _dims(node), strict=True):
            meanings.setdefault(letter, []).append(dim)
    agreed = _choose(meanings, out, call.shape)
    if agreed is None:
        return unknown(call)
    after = Layout(agreed).settled()
    reads: list[Read] = []
    for node, letters in operands:
        if node.layout is None:
            continue
        dims = [
            _target(letter, dim, out, agreed)
            for letter, dim in zip(letters, _dims(node), strict=True)
        ]
        read = read_through(node, Layout(_dims(node)), after, dims, summed=True)
        kept = zip(letters, _dims(node), dims, strict=True)
        demoted = any(x in out and has_position(dim) and d is None for x, dim, d in kept)
        reads.append(replace(read, apart=demoted))
    if any(_masked(node) for node, _ in operands):
        return bound(call, _completed(after, reads), reads, " of masked scores")
    # What lacks in the output is summed over, so that these reads hold for rows made of channels.
    return Effect(_completed(after, reads), tuple(reads))


def _completed(after: Layout, reads: Sequence[Read]) -> Layout:
    """Channels called rows or columns, unless they were positions: then each reads its own."""
    return after if any(read.apart for read in reads) else complete(after)[0]


def _masked(node: Node, steps: int = 8) -> bool:
    """Whether an operand holds scores some of which a constant has shut out."""
    if node.layout is None:
        return sparse_by_construction(node)
    if (node.effect.reason or "").endswith(MASKED):
        return True
    inner = node.op in SCORES and steps > 0
    return inner and any(_masked(read.source, steps - 1) for read in node.reads)


SCORES = frozenset(
    f"aten.{name}"
    for name in (
        *("softmax", "_softmax", "dropout", "clone", "view", "reshape", "expand", "to", "mul"),
        *("_to_copy", "sigmoid", "add", "div", "_unsafe_view", "transpose", "permute", "relu"),
        *("nan_to_num", "contiguous", "unsqueeze", "squeeze", "exp"),
    )
)
"""Operators that scores pass between being masked and being used."""


def _dims(node: Node) -> tuple[Dim, ...]:
    """Dimensions of an operand; those of a constant are channels."""
    if node.layout is not None:
        return node.layout.dims
    return tuple(channel(size) if size > 1 else () for size in node.shape)


def _choose(
    meanings: dict[str, list[Dim]], out: str, shape: Sequence[int]
) -> tuple[Dim, ...] | None:
    """A meaning for each letter of the output, every position used once; None if contradictory.

    Letters that several operands share go first: positions there belong to all of them.
    """
    chosen: dict[str, Dim] = {}
    used: set[tuple[Axis, int]] = set()
    for letter in sorted(out, key=lambda letter: -len(meanings[letter])):
        size = shape[out.index(letter)]
        dim = agree(meanings[letter], size)
        if dim is None:
            return None
        places = {(digit.axis, digit.step) for digit in dim if has_position((digit,))}
        if places & used:
            dim = channel(size)
        used |= places
        chosen[letter] = dim
    return tuple(chosen[letter] for letter in out)


def _target(letter: str, dim: Dim, out: str, agreed: Sequence[Dim]) -> int | None:
    """Where an operand's dimension goes; None if it is summed or became channels."""
    if letter not in out:
        return None
    index = out.index(letter)
    demoted = has_position(dim) and not has_position(agreed[index])
    return None if demoted else index


@rule("aten.linear")
def linear(call: Call) -> Effect:
    """A matrix product with the last dimension."""
    lead = "abcdefgh"[: len(call.shape) - 1]
    if call["weight"].layout is not None:
        return unknown(call)
    return contract(call, [(call["input"], lead + "y"), (call["weight"], "zy")], lead + "z")


@rule("aten.addmm", "aten.mm", "aten.bmm", "aten.matmul", "aten.baddbmm")
def matmul(call: Call) -> Effect:
    """Matrix products, with leading dimensions broadcast."""
    left, right = call.inputs[-2:]
    added = call.inputs[:-2]
    if min(len(left.shape), len(right.shape)) < 2 or any(node.layout for node in added):
        return unknown(call)
    shut = any(bool(torch.isinf(constant_value(node)).any()) for node in added)
    lead = "abcdefgh"[: len(call.shape) - 2]
    first = lead[len(lead) - (len(left.shape) - 2) :] + "xy"
    second = lead[len(lead) - (len(right.shape) - 2) :] + "yz"
    effect = contract(call, [(left, first), (right, second)], lead + "xz")
    return bound(call, effect.layout, effect.reads) if shut and effect.layout else effect


@rule("aten.einsum")
def einsum(call: Call) -> Effect:
    """Einstein summation without ellipsis or repeated letters."""
    equation = call["equation"].replace(" ", "")
    if "->" not in equation or "." in equation:
        return unknown(call)
    terms, out = equation.split("->")
    letters = terms.split(",")
    if any(len(set(term)) < len(term) for term in letters):
        return unknown(call)
    return contract(call, list(zip(call.inputs, letters, strict=True)), out)


@rule("aten.scaled_dot_product_attention")
def attention(call: Call) -> Effect:
    """Softmax attention: every query reads all keys and values of its group."""
    query, key, value, mask = (call.get(n) for n in ("query", "key", "value", "attn_mask"))
    if mask is not None and mask.layout is not None:
        return unknown(call)
    lead = "abcdefgh"[: len(call.shape) - 2]
    operands = [(query, lead + "qe"), (key, lead + "ke"), (value, lead + "kv")]
    effect = contract(call, operands, lead + "qv")
    if mask is None and not call.get("is_causal"):
        return effect
    allowed = _allowed(call, query, key, mask)
    if allowed is None:
        return bound(call, effect.layout, effect.reads) if effect.layout else unknown(call)
    return effect if allowed.all() else masked(call, effect, (query, key, value), allowed)


HIDDEN = -700.0
"""A score below which the weight of a key is zero in double precision, if others are ordinary."""


def _allowed(
    call: Call, query: Node, key: Node, mask: Node | None
) -> Bool[np.ndarray, "lines queries keys"] | None:
    """Which keys each query may look at; a mask of numbers only weighs them.

    None where a number is so low that it depends on the scores whether it shuts a key out.
    """
    if mask is None:
        return np.tril(np.ones((1, query.shape[-2], key.shape[-2]), dtype=bool))
    value = constant_value(mask)
    if value.dtype is not torch.bool:
        lowest = torch.finfo(value.dtype).min / 2
        if bool(((value < HIDDEN) & (value > lowest)).any()):
            return None
        value = value > lowest
    shape = (*call.shape[:-2], query.shape[-2], key.shape[-2])
    return value.expand(shape).reshape(-1, *shape[-2:]).numpy()


def masked(
    call: Call,
    effect: Effect,
    operands: tuple[Node, Node, Node],
    allowed: Bool[np.ndarray, "lines queries keys"],
) -> Effect:
    """Attention in which keys are shut out by constants: exact for every query."""
    query, key, value = operands
    after = effect.layout
    if effect.reason or after is None or query.layout is None:
        return unknown(call)
    if any(n.layout is None or n.layout.lost for n in operands) or after.lost:
        return unknown(call)
    lines = _sequences(after)
    # A query with a single key gives it all weight, whatever query and key say.
    several = allowed & (allowed.sum(axis=-1, keepdims=True) > 1)
    choice = np.broadcast_to(several.any(axis=-1, keepdims=True), several.shape)
    own = (np.eye(*allowed.shape[-2:]) > 0) & choice
    reads = []
    for node, which in ((query, own), (key, several), (value, allowed)):
        before = (node.layout or after).settled()
        if before.shape[:-1] != after.shape[:-1] or allowed.shape[-1] != before.shape[-2]:
            return unknown(call)
        pairs = join(lines, _sequences(before), which, after, before)
        if pairs.nnz:
            reads.append(read_pairs(node, pairs, after, before))
    return Effect(after, tuple(reads))


def _sequences(layout: Layout) -> np.ndarray:
    """Places of the last dimension but one, a line for each of those before it."""
    return places(layout)[..., 0].reshape(-1, layout.shape[-2])


@rule("aten.softmax", "aten._softmax", "aten.log_softmax", "aten._log_softmax")
@rule("aten.layer_norm", "aten.native_layer_norm", "aten.rms_norm")
@rule("aten.group_norm", "aten.native_group_norm", "aten.instance_norm")
def normalize(call: Call) -> Effect:
    """Normalisation by the values of some dimensions: each output reads them all."""
    source = call.sources[0]
    assert source.layout is not None
    rank = len(call.shape)
    if call.output:
        return unknown(call)
    if "norm" not in call.op:
        mixed = {call["dim"] % rank}
    elif "layer" in call.op or "rms" in call.op:
        mixed = set(range(rank - len(call["normalized_shape"]), rank))
    else:
        mixed = set(range(1 if "group" in call.op else 2, rank))
    after = source.layout.settled()
    dims = [None if d in mixed else d for d in range(rank)]
    return Effect(after, (read_through(source, after, after, dims, summed=True),))


@rule("aten.glu", "aten.sort", "aten.topk")
def along_channels(call: Call) -> Effect:
    """Operators along one dimension that keep positions apart if it holds channels alone."""
    source, dim = call.sources[0], call["dim"] % len(call.shape)
    assert source.layout is not None
    before = source.layout.settled()
    if any(digit.axis is not Axis.CHANNEL for digit in before.dims[dim]):
        return unknown(call)
    size = call.shape[dim]
    return Effect(before.replace(dim, channel(size) if size > 1 else ()), (Read(source),))


@rule("aten.mean", "aten.sum", "aten.amax", "aten.amin", "aten.max", "aten.min", "aten.prod")
@rule("aten.var", "aten.std", "aten.norm", "aten.linalg_vector_norm", "aten.logsumexp")
@rule("aten.argmax", "aten.argmin", "aten.any", "aten.all", "aten.kthvalue", "aten.median")
def reduce(call: Call) -> Effect:
    """Reductions over some dimensions, or all."""
    source = call.sources[0]
    if len(call.sources) > 1:
        return unknown(call)
    assert source.layout is not None
    rank = len(source.shape)
    wanted = call.get("dim")
    given = range(rank) if wanted in (None, []) else [wanted] if isinstance(wanted, int) else wanted
    gone = {d % rank for d in given}
    before = source.layout.settled()
    if len(call.shape) == rank:
        after = Layout(tuple(() if d in gone else dim for d, dim in enumerate(before.dims)))
        places = {d: d for d in range(rank)}
    else:
        after = before.drop(sorted(gone))
        places = {d: i for i, d in enumerate(d for d in range(rank) if d not in gone)}
    after = after.settled()
    dims = [None if d in gone else places[d] for d in range(rank)]
    return Effect(after, (read_through(source, before, after, dims, summed=True),))
