"""Sums, means, norms and maxima over dimensions."""

from __future__ import annotations

from math import prod

from torch import Tensor

from erf.engines.delta import kernels
from erf.engines.delta.rules.table import everything, formula, is_window_map
from erf.engines.delta.step import Step
from erf.geometry.axis import IDENTITY
from erf.graph import Node


def _dims(node: Node) -> list[int]:
    """Reduced dimensions, counted from the front."""
    source = node.reads[0].source
    rank, given = len(source.shape), node.arguments.get("dim")
    if given in (None, []):
        return list(range(rank))
    return sorted(d % rank for d in ([given] if isinstance(given, int) else given))


def _kept(node: Node) -> bool:
    return bool(node.arguments.get("keepdim", False)) or node.arguments.get("dim") in (None, [])


def _over_features(node: Node) -> bool:
    """Whether windows survive: nothing with a position is reduced."""
    source = node.reads[0].source
    if not (is_window_map(node) and is_window_map(source)) or source.layout is None:
        return False
    same = (node.reads[0].rows, node.reads[0].cols) == (IDENTITY, IDENTITY)
    gone = {0, source.layout.row_dim, source.layout.col_dim} & set(_dims(node))
    return same and not gone and source.map_size == node.map_size


def _pools(node: Node) -> bool:
    """Whether all of a map is summed, so that a window has all there is to sum."""
    source = node.reads[0].source
    if source.layout is None or not is_window_map(source):
        return False
    spatial = {source.layout.row_dim, source.layout.col_dim}
    return spatial <= set(_dims(node)) and 0 not in _dims(node)


def _single(node: Node) -> bool:
    return len(node.reads) == 1 and not node.call.output


@formula("aten.mean", "aten.sum", fits=lambda n: _single(n) and _pools(n))
def pool(step: Step) -> Tensor:
    """Of a whole map: outside the window there is nothing to add."""
    source = step["self"]
    total = step.changes[source].values.sum(_dims(step.node), keepdim=_kept(step.node))
    return total / _count(step.node) if step.node.op == "aten.mean" else total


def _count(node: Node) -> int:
    source = node.reads[0].source
    return prod(source.shape[d] for d in _dims(node))


@formula("aten.mean", "aten.sum", fits=_single, windows=_over_features)
def total(step: Step) -> Tensor:
    """Of some dimensions."""
    result = step.change(step["self"]).sum(_dims(step.node), keepdim=_kept(step.node))
    return result / _count(step.node) if step.node.op == "aten.mean" else result


def _shared(node: Node) -> list[int]:
    """Reduced dimensions counted from the back, the same for changes and clean windows."""
    return [d - len(node.reads[0].source.shape) for d in _dims(node)]


def _euclidean(node: Node) -> bool:
    return _single(node) and node.arguments["ord"] == 2 and 0 not in _dims(node)


@formula("aten.linalg_vector_norm", fits=_euclidean, windows=_over_features, clean=everything)
def norm(step: Step) -> Tensor:
    """Euclidean length."""
    source = step["self"]
    change, clean = step.spread(step.change(source)), step.operand(source)
    return step.gather(
        kernels.change_of_vector_norm(change, clean, _shared(step.node), _kept(step.node))
    )


@formula(
    "aten.amax",
    fits=lambda n: _single(n) and 0 not in _dims(n),
    windows=_over_features,
    clean=everything,
)
def largest(step: Step) -> Tensor:
    """The largest of some dimensions."""
    source = step["self"]
    change, clean = step.spread(step.change(source)), step.operand(source)
    return step.gather(kernels.change_of_max(change, clean, _shared(step.node), _kept(step.node)))
