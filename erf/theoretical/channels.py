"""Which channels share a field: concatenation sets them apart, a convolution mixes them.

ShuffleNet sends half of the channels past a convolution, Inception concatenates branches of
unequal reach. A unit means all channels of a position, so what matters is only that a later split
takes the right ones. Channels with the same field form a *class*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import prod

import numpy as np
from jaxtyping import Int64

from erf.graph import Node
from erf.graph.rules import contract, cut, rearrange, rule_of, slide, trace
from erf.theoretical.classes import Classes, Labels, channel_shape, grown
from erf.theoretical.passing import JOINING, MIXING, TRACES, Trace, scattered


def classes_of(nodes: Sequence[Node]) -> dict[Node, Classes]:
    """Classes of every node that depends on the image, in one pass."""
    found: dict[Node, Classes] = {}
    for node in nodes:
        if node.layout is not None:
            found[node] = _known_classes(node, found)
    return found


def _known_classes(node: Node, found: Mapping[Node, Classes]) -> Classes:
    """Classes of a node; what is not foreseen here costs its exactness, not the model."""
    try:
        classes = _classify(node, found)
    except Exception:
        classes = _any(node, [found[read.source] for read in node.origins])
    return _set_apart(node, classes, found)


def _any(node: Node, sources: Sequence[Classes]) -> Classes:
    """One class, which reads all that there are of each source, its channels maybe not alike."""
    assert node.layout is not None
    everything = tuple(tuple(range(source.count)) for source in sources)
    labels = np.zeros(channel_shape(node.layout), np.int64)
    known = tuple(source.count == 1 for source in sources)
    return Classes(labels, (everything,), known, apart=len(sources) > 1 or not all(known))


def _set_apart(node: Node, classes: Classes, found: Mapping[Node, Classes]) -> Classes:
    """Whether channels read unlike positions; what then takes some of them is not known."""
    apart = [found[read.source].apart for read in node.origins]
    known = tuple(
        certain and not (before and _takes_some(node, read.source))
        for certain, before, read in zip(classes.known, apart, node.origins, strict=True)
    )
    still = (classes.apart or any(apart)) and not _joins(node)
    return replace(classes, known=known, apart=still or any(read.apart for read in node.origins))


TAKING = frozenset(
    (*(cut.slice_, cut.split, cut.select), *(rearrange.view, rearrange.permute, rearrange.shuffle))
)
"""Operators that take some channels of a position, or make positions of them."""


def _takes_some(node: Node, source: Node) -> bool:
    rule = rule_of(node.call)
    if rule in (slide.col2im, trace.look_up):
        return True
    if rule is slide.unfold:  # windows of positions hold all channels, windows of channels some
        return not any(read.apart for read in node.reads)
    assert node.layout is not None
    assert source.layout is not None
    fewer = prod(channel_shape(node.layout)) < prod(channel_shape(source.layout))
    return rule in TAKING and fewer


def _joins(node: Node) -> bool:
    """Whether every channel of the output reads all channels of a position of the input."""
    mixes = MIXING.get(rule_of(node.call))
    try:
        if mixes:
            return mixes(node) == 1
        if node.op in PRODUCTS and node.effect.origins is None:
            return all(_summed(node, read.source) for read in node.origins)
    except (IndexError, ValueError, TypeError, KeyError):
        return False
    return False


PRODUCTS = frozenset(f"aten.{name}" for name in ("mm", "bmm", "matmul", "baddbmm", "addmm"))


def _summed(node: Node, source: Node) -> bool:
    """Whether a product of matrices sums over all channels of an operand."""
    assert source.layout is not None
    dim = -1 if source is node.inputs[-2] else -2
    channels = channel_shape(source.layout)
    return channels[dim] == prod(channels)


def _classify(node: Node, found: Mapping[Node, Classes]) -> Classes:
    assert node.layout is not None
    shape = channel_shape(node.layout)
    sources = [found[read.source] for read in node.origins]
    everything = tuple(tuple(range(source.count)) for source in sources)
    if all(source.count == 1 for source in sources) and node.op not in JOINING:
        return Classes(np.zeros(shape, np.int64), (everything,), (True,) * len(sources))
    rule = rule_of(node.call)
    mixes, follow = MIXING.get(rule), TRACES.get(rule)
    follow = scattered if node.op == "aten.slice_scatter" else follow
    reduced = _reduced(node, sources[0], shape) if rule is contract.reduce else None
    if reduced is not None:
        return reduced
    multiplies = node.op in PRODUCTS and node.effect.origins is None
    product = _product(node, sources, shape) if multiplies else None
    if product is not None:
        return product
    groups = _mixing(mixes, node, sources) if mixes and len(sources) == 1 else None
    if groups is not None:
        return _mixed(sources[0].labels.reshape(groups, -1), shape)
    parts = _traced(follow, node, sources) if follow else None
    if parts is not None:
        return _combine([np.broadcast_to(part, shape) for part in parts])
    return _any(node, sources)


def _mixed(by_group: Int64[np.ndarray, "groups channels"], shape: tuple[int, ...]) -> Classes:
    """Channels in groups, each of which mixes its own, as a grouped convolution does."""
    reads = [tuple(int(label) for label in np.unique(group)) for group in by_group]
    kinds = sorted(set(reads))
    labels = np.array([kinds.index(read) for read in reads])
    each = np.repeat(labels, prod(shape) // len(by_group)).reshape(shape)
    return Classes(each, tuple((kind,) for kind in kinds), (True,))


def _product(node: Node, sources: Sequence[Classes], shape: tuple[int, ...]) -> Classes | None:
    """A product of matrices: each channel reads all that it sums over, of both operands."""
    parts = []
    for read, source in zip(node.origins, sources, strict=True):
        if source.count > BITS:
            return None
        labels = grown(source.labels, len(shape))
        bits = np.where(labels < 0, 0, 1 << np.maximum(labels, 0))
        dim = -1 if read.source is node.inputs[-2] else -2
        parts.append(np.bitwise_or.reduce(bits, axis=dim, keepdims=True))
    columns = np.stack([np.broadcast_to(part, shape).reshape(-1) for part in parts])
    kinds, labels = np.unique(columns, axis=1, return_inverse=True)
    members = tuple(tuple(_set_bits(int(word)) for word in kind) for kind in kinds.T)
    return Classes(labels.reshape(shape), members, (True,) * len(parts))


BITS = 62
"""Classes that fit into one integer."""


def _set_bits(word: int) -> tuple[int, ...]:
    return tuple(bit for bit in range(BITS) if word >> bit & 1)


def _combine(parts: Sequence[Labels]) -> Classes:
    """Channels that read the same class of every source are one class; -1 reads none."""
    columns = np.stack([part.reshape(-1) for part in parts])
    kinds, labels = np.unique(columns, axis=1, return_inverse=True)
    members = tuple(tuple(() if label < 0 else (int(label),) for label in kind) for kind in kinds.T)
    shape = np.shape(parts[0])
    return Classes(labels.reshape(shape), members, (True,) * len(parts))


def _traced(follow: Trace, node: Node, sources: list[Classes]) -> list[Labels] | None:
    """What a trace says; one that does not fit the operator's case costs only its exactness."""
    try:
        parts = follow(node, sources)
        if parts is None or len(parts) != len(sources):
            return None
        shape = channel_shape(node.layout) if node.layout else ()
        return [np.broadcast_to(part, shape) for part in parts]
    except (IndexError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _mixing(mixes: Callable[[Node], int | None], node: Node, sources: list[Classes]) -> int | None:
    """In how many groups channels mix; None where that does not divide them."""
    assert node.layout is not None
    try:
        groups = mixes(node)
    except (IndexError, ValueError, TypeError, KeyError):
        return None
    if not groups or sources[0].labels.size % groups or prod(channel_shape(node.layout)) % groups:
        return None
    return groups


def _reduced(node: Node, source: Classes, shape: tuple[int, ...]) -> Classes | None:
    """Reductions: each channel that is left reads all that were one with it."""
    labels, wanted = source.labels, node.arguments.get("dim")
    given = [wanted] if isinstance(wanted, int) else wanted or range(labels.ndim)
    gone = sorted({d % labels.ndim for d in given})
    rest = [d for d in range(labels.ndim) if d not in gone]
    each = prod(labels.shape[d] for d in gone)
    groups = labels.transpose(*rest, *gone).reshape(-1, each)
    return _mixed(groups, shape) if len(groups) == prod(shape) else None
