"""Which channels share a field: concatenation sets them apart, a convolution mixes them.

ShuffleNet sends half of the channels past a convolution, Inception concatenates branches of
unequal reach. A unit means all channels of a position, so what matters is only that a later split
takes the right ones. Channels with the same field form a *class*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from jaxtyping import Int64

from erf.graph import Axis, Layout, Node
from erf.graph.rules import contract, cut, pointwise, rearrange, rule_of, slide, trace
from erf.graph.rules.table import Rule

Labels = Int64[np.ndarray, "..."]
Members = tuple[tuple[int, ...], ...]
"""For each read of a node, the classes of its source."""


@dataclass(frozen=True)
class Classes:
    """Classes of a node's channels.

    Attributes:
        labels: class of every channel, shaped like the tensor without its batch and positions.
        members: for each class, which classes of each read's source it reads.
        known: for each read, whether these members are certain, or only all that there are.
        apart: whether channels of one position may read unlike positions (see `Read.apart`).
    """

    labels: Labels
    members: tuple[Members, ...]
    known: tuple[bool, ...]
    apart: bool = False

    @property
    def count(self) -> int:
        """How many classes there are."""
        return len(self.members)


def channel_shape(layout: Layout) -> tuple[int, ...]:
    """Channels in each dimension."""
    return tuple(prod(g.size for g in dim if g.axis is Axis.CHANNEL) for dim in layout.dims)


def classes_of(nodes: Sequence[Node]) -> dict[Node, Classes]:
    """Classes of every node that depends on the image, in one pass."""
    found: dict[Node, Classes] = {}
    for node in nodes:
        if node.layout is not None:
            found[node] = _set_apart(node, _classify(node, found), found)
    return found


def _set_apart(node: Node, classes: Classes, found: Mapping[Node, Classes]) -> Classes:
    """Whether channels read unlike positions; what then takes some of them is not known."""
    apart = [found[read.source].apart for read in node.origins]
    known = tuple(
        certain and not (before and _takes_some(node, read.source))
        for certain, before, read in zip(classes.known, apart, node.origins, strict=True)
    )
    still = any(apart) and not _joins(node)
    return replace(classes, known=known, apart=still or any(read.apart for read in node.origins))


TAKING = frozenset(
    (*(cut.slice_, cut.split, cut.select), *(rearrange.view, rearrange.permute, rearrange.shuffle))
)
"""Operators that take some channels of a position, or make positions of them."""


def _takes_some(node: Node, source: Node) -> bool:
    rule = rule_of(node.call)
    if rule in (slide.col2im, slide.unfold, trace.look_up):
        return True
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
    follow = _scattered if node.op == "aten.slice_scatter" else follow
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
    return Classes(np.zeros(shape, np.int64), (everything,), tuple(s.count == 1 for s in sources))


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
        labels = _grown(source.labels, len(shape))
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


Trace = Callable[[Node, list[Classes]], "list[Labels] | None"]


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


def _aligned(node: Node, sources: list[Classes]) -> list[Labels] | None:
    """Every channel reads the channel in its own place."""
    rank = len(node.shape)
    parts = [_grown(source.labels, rank) for source in sources]
    assert node.layout is not None
    shape = channel_shape(node.layout)
    fits = all(
        size in (1, want) for part in parts for size, want in zip(part.shape, shape, strict=True)
    )
    return parts if fits else None


def _grown(labels: Labels, rank: int) -> Labels:
    """With empty dimensions in front, as broadcasting aligns them."""
    return labels.reshape((1,) * (rank - labels.ndim) + labels.shape)


def _reshaped(node: Node, sources: list[Classes]) -> list[Labels] | None:
    """The same channels in the same order."""
    assert node.layout is not None
    shape = channel_shape(node.layout)
    return [sources[0].labels.reshape(shape)] if sources[0].labels.size == prod(shape) else None


def _permuted(node: Node, sources: list[Classes]) -> list[Labels] | None:
    rank = len(node.shape)
    if node.op == "aten.permute":
        return [sources[0].labels.transpose([d % rank for d in node.arguments["dims"]])]
    return [sources[0].labels.swapaxes(node.arguments["dim0"], node.arguments["dim1"])]


def _concatenated(node: Node, sources: list[Classes]) -> list[Labels] | None:
    """Parts side by side: each source fills its stretch of the channels."""
    assert node.layout is not None
    shape, dim = channel_shape(node.layout), node.arguments["dim"] % len(node.shape)
    if shape[dim] == 1 or shape[dim] != node.shape[dim]:
        return _aligned(node, sources)
    parts, start, reads = [], 0, iter(sources)
    for tensor in node.arguments["tensors"]:
        size = tensor.shape[dim]
        if tensor.layout is not None and tensor.shape != (0,):
            part = np.full(shape, -1)
            part[(slice(None),) * dim + (slice(start, start + size),)] = next(reads).labels
            parts.append(part)
        start += size
    return parts


def _stacked(node: Node, sources: list[Classes]) -> list[Labels] | None:
    """Parts side by side in a new dimension."""
    assert node.layout is not None
    shape, dim = channel_shape(node.layout), node.arguments["dim"] % len(node.shape)
    parts, reads = [], iter(sources)
    for place, tensor in enumerate(node.arguments["tensors"]):
        if tensor.layout is not None:
            part = np.full(shape, -1)
            part[(slice(None),) * dim + (place,)] = next(reads).labels
            parts.append(part)
    return parts


def _padded(node: Node, sources: list[Classes]) -> list[Labels] | None:
    """Channels of a constant, which reads nothing, before and behind the others."""
    widths = node.arguments.get("pad", node.arguments.get("padding"))
    labels = sources[0].labels
    ends = [(0, 0)] * labels.ndim
    for k in range(0, len(widths), 2):
        if labels.shape[-1 - k // 2] > 1:
            ends[-1 - k // 2] = (widths[k], widths[k + 1])
    if any(end != (0, 0) for end in ends) and node.arguments.get("mode", "constant") != "constant":
        return None
    return [np.pad(labels, ends, constant_values=-1)] if min(min(ends)) >= 0 else None


def _sliced(node: Node, sources: list[Classes]) -> list[Labels] | None:
    """Some channels, taken by the operator's own indexing."""
    labels, source = sources[0].labels, node.origins[0].source
    dim = node.arguments["dim"] % labels.ndim
    if labels.shape[dim] == 1:
        index: Labels = np.zeros(1, np.int64)
    elif labels.shape[dim] != source.shape[dim]:
        return None
    else:
        index = _chosen(node, source.shape[dim])
    if node.op in ("aten.select", "aten.unbind"):
        return [labels.take(index[0], axis=dim)]
    return [labels.take(index, axis=dim)]


def _scattered(node: Node, sources: list[Classes]) -> list[Labels] | None:
    """Some channels written over by another tensor's."""
    assert node.layout is not None
    shape, dim = channel_shape(node.layout), node.arguments["dim"] % len(node.shape)
    if shape[dim] != node.shape[dim]:
        return _aligned(node, sources)  # positions are written over, channels stay what they are
    if len({read.source for read in node.origins}) != len(sources):
        return None
    index = (slice(None),) * dim + (_chosen(node, shape[dim]),)
    parts = []
    for read, source in zip(node.origins, sources, strict=True):
        if read.source is node.arguments["self"]:
            part = np.broadcast_to(source.labels, shape).copy()
            part[index] = -1
        else:
            part = np.full(shape, -1)
            part[index] = source.labels
        parts.append(part)
    return parts


def _chosen(node: Node, size: int) -> Labels:
    """Indices that a slice, split or select takes of a dimension of ``size``."""
    arguments, output = node.arguments, node.call.output or 0
    everything = np.arange(size)
    match node.op:
        case "aten.slice" | "aten.slice_scatter":
            return everything[arguments["start"] : arguments["end"] : arguments["step"]]
        case "aten.select":
            return everything[[arguments["index"]]]
        case "aten.unbind":
            return everything[[output]]
        case "aten.chunk":
            sizes: int | list[int] = -(-size // arguments["chunks"])
        case _:
            sizes = arguments.get("split_sizes", arguments.get("split_size"))
    if isinstance(sizes, int):
        return everything[sizes * output : sizes * (output + 1)]
    return everything[sum(sizes[:output]) : sum(sizes[: output + 1])]


def _rolled(node: Node, sources: list[Classes]) -> list[Labels] | None:
    """Shifts and reversals, where channels do not move."""
    labels = sources[0].labels
    dims = node.arguments["dims"]
    moved = [labels.shape[d] > 1 for d in ([dims] if isinstance(dims, int) else dims)]
    return None if any(moved) else [labels]


def _reduced(node: Node, source: Classes, shape: tuple[int, ...]) -> Classes | None:
    """Reductions: each channel that is left reads all that were one with it."""
    labels, wanted = source.labels, node.arguments.get("dim")
    given = [wanted] if isinstance(wanted, int) else wanted or range(labels.ndim)
    gone = sorted({d % labels.ndim for d in given})
    rest = [d for d in range(labels.ndim) if d not in gone]
    each = prod(labels.shape[d] for d in gone)
    groups = labels.transpose(*rest, *gone).reshape(-1, each)
    return _mixed(groups, shape) if len(groups) == prod(shape) else None


TRACES: dict[Rule | None, Trace] = {
    pointwise.pointwise: _aligned,
    slide.pool: _aligned,
    slide.adaptive: _aligned,
    slide.interpolate: _aligned,
    rearrange.expand: _aligned,
    rearrange.pad: _padded,
    rearrange.shift: _rolled,
    rearrange.view: _reshaped,
    rearrange.permute: _permuted,
    rearrange.cat: _concatenated,
    rearrange.stack: _stacked,
    cut.slice_: _sliced,
    cut.split: _sliced,
    cut.select: _sliced,
}
"""How operators pass channels on."""

JOINING = frozenset(("aten.cat", "aten.concat", "aten.stack", "aten.slice_scatter"))
"""Operators that set channels of different inputs side by side."""


def _everything(_: Node) -> int:
    return 1


def _groups(node: Node) -> int:
    return int(node.arguments["groups"])


def _normalized(node: Node) -> int | None:
    """Layer normalisation mixes all channels, group normalisation those of a group."""
    source = node.origins[0].source
    assert source.layout is not None
    shape = channel_shape(source.layout)
    if "group" in node.op:
        groups: int = node.arguments.get("num_groups", node.arguments.get("group"))
        return groups
    if "layer" in node.op or "rms" in node.op:
        first = len(shape) - len(node.arguments["normalized_shape"])
        return 1 if prod(shape[first:]) == prod(shape) else None
    return 1 if "softmax" in node.op and shape[node.arguments["dim"]] == prod(shape) else None


MIXING: dict[Rule | None, Callable[[Node], int | None]] = {
    slide.convolution: _groups,
    slide.transposed: _groups,
    contract.linear: _everything,
    contract.normalize: _normalized,
}
"""Operators of which every output channel reads all input channels of its group."""
