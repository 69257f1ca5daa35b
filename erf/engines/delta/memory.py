"""How many disturbances fit the memory budget."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from erf.engines.delta.plan import Group
from erf.geometry.axis import Window
from erf.graph import Node

NUMBER = 8
"""Bytes of a number: those of double precision, in which operators without a formula compute."""
TEMPORARY = 3
"""Copies of its operands and result that a formula may hold while it runs."""


def largest_batch(nodes: Sequence[Node], group: Group, budget: int) -> int:
    """Disturbances whose windows together stay within ``budget`` bytes, at least one."""
    return max(1, budget // bytes_of_one(nodes, group))


def bytes_of_one(nodes: Sequence[Node], group: Group) -> int:
    """What one disturbance takes at the most: the windows that are still to be read, and what the
    formula that runs holds meanwhile."""
    last = {source: node for node in nodes for source in node.inputs}
    held: dict[Node, int] = {}
    peak = 1
    for node in nodes:
        held[node] = numbers(node, group)
        if node.reads:
            busy = held[node] + sum(_canvas(node, index, group) for index in range(len(node.reads)))
            peak = max(peak, sum(held.values()) + TEMPORARY * busy)
        for source in set(node.inputs):
            if last[source] is node:
                held.pop(source, None)
    return peak * NUMBER


def _lengths(node: Node, group: Group) -> tuple[int, int]:
    rows, cols = group.rows.lanes.get(node), group.cols.lanes.get(node)
    return (0, 0) if rows is None or cols is None else (rows.length, cols.length)


def numbers(node: Node, group: Group) -> int:
    """Numbers in one window of a node."""
    rows, cols = _lengths(node, group)
    if node.layout is None or rows * cols == 0:
        return 0
    positions = prod(node.map_size)
    return rows * cols * prod(node.shape) // (positions * max(1, node.shape[0]))


def _canvas(node: Node, index: int, group: Group) -> int:
    """Numbers in what an operator reads to fill one window."""
    read = node.reads[index]
    rows, cols = _lengths(node, group)
    if not (isinstance(read.rows, Window) and isinstance(read.cols, Window)):
        return numbers(read.source, group)
    height = (rows - 1) * read.rows.stride + read.rows.span
    width = (cols - 1) * read.cols.stride + read.cols.span
    positions = prod(read.source.map_size)
    share = prod(read.source.shape) // (positions * max(1, read.source.shape[0]))
    return height * width * share
