"""Operators that sum dimensions away: matrix products, attention, reductions, normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from erf.graph.layout import SPATIAL, Axis, Digit, Dim, Layout, channel, has_position
from erf.graph.node import Call, Certainty, Effect, Node, Read, constant_value
from erf.graph.rules.contradict import read_listed
from erf.graph.rules.gate import MASKED, bound, sparse_by_construction
from erf.graph.rules.pointwise import agree, consistent
from erf.graph.rules.recast import complete
from erf.graph.rules.relate import read_through
from erf.graph.rules.scores import Operands, allowed_by, behind, causal, reads_of
from erf.graph.rules.table import rule, unknown

OF_MASKED = " of masked scores"
"""How the reason ends where something sums over scores that a constant has shut out."""


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
        return _contradicting(call, operands, out, meanings)
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
        return bound(call, _completed(after, reads), reads, OF_MASKED)
    # What lacks in the output is summed over, so that these reads hold for rows made of channels.
    return Effect(_completed(after, reads), tuple(reads))


def _contradicting(
    call: Call, operands: Sequence[tuple[Node, str]], out: str, meanings: dict[str, list[Dim]]
) -> Effect:
    """Operands that meet at unlike positions: the first keeps its own, others are listed."""
    first = {
        letter: [next(filter(has_position, dims), dims[0])] for letter, dims in meanings.items()
    }
    agreed = _choose(first, out, call.shape)
    if agreed is None or not consistent(Layout(agreed)) or any(_masked(n) for n, _ in operands):
        return unknown(call)
    after = Layout(agreed).settled()
    reads = [
        read_listed(node, node.layout.settled(), letters, after, out)
        for node, letters in operands
        if node.layout is not None
    ]
    if any(read is None for read in reads):
        return unknown(call)
    return Effect(after, tuple(read for read in reads if read is not None))


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
    if shut and effect.layout is not None:
        return bound(call, effect.layout, effect.reads)
    found = behind(left, right) if (effect.reason or "").endswith(OF_MASKED) else None
    if found is None or effect.layout is None:
        return effect
    origins = reads_of(found[0], effect.layout, found[1])
    reads = tuple(replace(read, certainty=Certainty.EXACT) for read in effect.reads)
    return Effect(effect.layout, reads, origins=origins) if origins else effect


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
    lead = "abcdefgh"[: len(call.shape) - 2]
    operands = [(query, lead + "qe"), (key, lead + "ke"), (value, lead + "kv")]
    if mask is not None and mask.layout is not None:  # scores more, such as relative positions
        whole = mask.shape == (*call.shape[:-1], key.shape[-2])
        if not (whole and _of_products(mask)):
            return unknown(call)
        return contract(call, [*operands, (mask, lead + "qk")], lead + "qv")
    effect = contract(call, operands, lead + "qv")
    if mask is None and not call.get("is_causal"):
        return effect
    shape = (*call.shape[:-2], query.shape[-2], key.shape[-2])
    keys = causal(*shape[-2:]) if mask is None else allowed_by(constant_value(mask), shape)
    if keys is not None and keys.all():
        return effect
    if effect.layout is None or effect.reason:
        return unknown(call)
    after = effect.layout.settled()
    exact = reads_of(Operands(query, key, value), after, keys) if keys is not None else None
    return bound(call, after, effect.reads) if exact is None else Effect(after, exact)


def _of_products(scores: Node) -> bool:
    """Whether scores are sums of products, moved about: then they shut no key out."""
    moves = ("view", "_unsafe_view", "reshape", "permute", "transpose", "unsqueeze", "slice")
    passing = {
        f"aten.{name}" for name in (*moves, "expand", "clone", "add", "_to_copy", "contiguous")
    }
    if scores.op in ("aten.mm", "aten.bmm", "aten.matmul", "aten.einsum", "aten.linear"):
        return True
    sources = scores.call.sources
    return scores.op in passing and len(sources) > 0 and all(map(_of_products, sources))


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


@rule("aten.glu")
def along_channels(call: Call) -> Effect:
    """Halves of the channels, one of which weighs the other."""
    source, dim = call.sources[0], call["dim"] % len(call.shape)
    assert source.layout is not None
    before = source.layout.settled()
    if any(digit.axis is not Axis.CHANNEL for digit in before.dims[dim]):
        return unknown(call)
    size = call.shape[dim]
    return Effect(before.replace(dim, channel(size) if size > 1 else ()), (Read(source),))


@rule("aten.sort", "aten.topk", "aten.argsort", "aten.msort")
def order(call: Call) -> Effect:
    """Numbers along one dimension by their rank: each rank reads all of them."""
    source, dim = call.sources[0], call.get("dim", 0) % len(call.shape)
    assert source.layout is not None
    before, size = source.layout.settled(), call.shape[dim]
    if any(digit.axis is Axis.BATCH for digit in before.dims[dim]):
        return unknown(call)
    axis = next((axis for axis in SPATIAL if before.dim_of(axis) == dim), None)
    new = channel(size) if axis is None else (Digit(axis, size),)
    after = before.replace(dim, new if size > 1 or axis else ()).settled()
    kept = [None if d == dim else d for d in range(len(before.dims))]
    return Effect(after, (read_through(source, before, after, kept, summed=True),))


@rule("aten.cdist", "aten._cdist_forward")
def distances(call: Call) -> Effect:
    """Distances of the vectors of two lists."""
    lead = "abcdefgh"[: len(call.shape) - 2]
    first, second = (call["x1"], call["x2"])
    if not len(first.shape) == len(second.shape) == len(call.shape):
        return unknown(call)
    return contract(call, [(first, lead + "xy"), (second, lead + "zy")], lead + "xz")


@rule("aten.mean", "aten.sum", "aten.amax", "aten.amin", "aten.max", "aten.min", "aten.prod")
@rule("aten.var", "aten.std", "aten.norm", "aten.linalg_vector_norm", "aten.logsumexp")
@rule("aten.argmax", "aten.argmin", "aten.any", "aten.all", "aten.kthvalue", "aten.median")
@rule("aten.count_nonzero", "aten.nansum", "aten.nanmean", "aten.nanmedian", "aten.mode")
@rule("aten.var_mean", "aten.std_mean", "aten.aminmax")
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
