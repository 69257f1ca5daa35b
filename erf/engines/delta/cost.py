"""What operators cost: multiplications, weights, bytes; from shapes alone."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from erf.engines.delta.spans import COLS, ROWS, Span, relation
from erf.graph import Node

PRODUCTS = frozenset({"aten.conv2d", "aten.convolution", "aten.conv_transpose2d", "aten.linear"})


def weight_size(node: Node) -> int:
    """Weights of a convolution or a linear map, 0 for any other operator."""
    if node.op not in PRODUCTS:
        return 0
    weight = node.arguments["weight"]
    return prod(weight.shape) if isinstance(weight, Node) else 0


def features(node: Node) -> int:
    """Numbers at one position of a node."""
    rows, cols = node.map_size
    batch = node.shape[0] if node.shape else 1
    return max(1, prod(node.shape) // (rows * cols * batch))


def multiplications(node: Node) -> int:
    """Multiplications for one position of the output, with every weight in use."""
    stride = node.arguments["stride"] if node.op == "aten.conv_transpose2d" else [1]
    return weight_size(node) // prod(stride)


def pairs(node: Node, source: Span, output: Span, axis: int, size: int) -> np.ndarray:
    """Along one axis: how many (input, output) pairs a weight joins, with the input in ``source``
    and the output in ``output``; one number a patch."""
    rule = relation(node.reads[0], axis)
    counts = np.zeros(len(output.lo), np.int64)
    for patch, (lo, hi) in enumerate(zip(output.lo, output.hi, strict=True)):
        taps, meant = rule.taps(np.arange(lo, hi))
        inside = (taps >= source.lo[patch]) & (taps < min(source.hi[patch], size))
        counts[patch] = int((meant & inside).sum())
    return counts


def necessary(
    nodes: list[Node], exact: tuple[Mapping[Node, Span], Mapping[Node, Span]]
) -> np.ndarray:
    """Multiplications of every patch in which the change is not known to be zero and whose result
    is needed, ``(patch_rows, patch_cols)``: no engine that propagates changes can do with fewer.
    """
    starts = [next(iter(spans.values())) for spans in exact]
    total = np.zeros((len(starts[0].lo), len(starts[1].lo)))
    for node in nodes:
        if node not in exact[ROWS] or weight_size(node) == 0:
            continue
        source = node.reads[0].source
        rows, cols = (
            pairs(node, exact[axis][source], exact[axis][node], axis, source.map_size[axis])
            if node.op != "aten.linear"
            else exact[axis][node].length
            for axis in (ROWS, COLS)
        )
        kernel = prod(node.arguments["weight"].shape[2:]) if node.op != "aten.linear" else 1
        total += np.outer(rows, cols) * (weight_size(node) / kernel)
    return total
