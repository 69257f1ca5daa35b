"""Exact sets of pixels and units, holes included: a mask carried through the graph."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool
from scipy import sparse

from erf.geometry.axis import Relation
from erf.graph import Node, Read
from erf.theoretical.propagate import Walk

Mask = Bool[np.ndarray, "rows cols"]
AnyMask = Bool[np.ndarray, "_rows _cols"]


def support(
    walk: Walk, node: Node, turned: bool, unit: tuple[int, int]
) -> Bool[np.ndarray, "height width"]:
    """The pixels that a unit reads, walking back from it.

    Args:
        walk: the graph.
        node: the layer's.
        turned: whether the layer's tensor has its columns before its rows.
        unit: (row, col).
    """
    start = np.zeros(node.map_size, dtype=bool)
    start[unit[::-1] if turned else unit] = True
    masks: dict[tuple[Node, int], Mask] = {}
    for label in range(walk.classes[node].count):
        masks[node, label] = start
    for at in reversed(walk.nodes):
        for label, members in enumerate(walk.classes[at].members):
            if (mask := masks.pop((at, label), None)) is None:
                continue
            if at is walk.image:
                return mask
            for read, wanted in zip(at.origins, members, strict=True):
                _add(masks, read, wanted, _back(read, at, mask))
    return np.zeros(walk.image.map_size, dtype=bool)


def reached(walk: Walk, node: Node, pixels: Mask) -> Mask:
    """The units of a node that read any of these pixels, walking forward from them."""
    masks: dict[tuple[Node, int], Mask] = {(walk.image, 0): pixels}
    for at in walk.nodes:
        if at is walk.image:
            continue
        for label, members in enumerate(walk.classes[at].members):
            mask = np.zeros(at.map_size, dtype=bool)
            for read, wanted in zip(at.origins, members, strict=True):
                for source in wanted:
                    if masks[read.source, source].any():
                        mask |= _forth(read, at, masks[read.source, source])
            masks[at, label] = mask
    found = [masks[node, label] for label in range(walk.classes[node].count)]
    return np.logical_or.reduce(found)


def _add(
    masks: dict[tuple[Node, int], Mask], read: Read, wanted: tuple[int, ...], mask: Mask
) -> None:
    for label in wanted:
        key = (read.source, label)
        masks[key] = masks[key] | mask if key in masks else mask


def _tables(read: Read, node: Node) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Who reads whom along each axis: (outputs, inputs)."""
    rows, cols = zip(node.map_size, read.source.map_size, strict=True)
    return _table(read.rows, *rows), _table(read.cols, *cols)


def _table(relation: Relation, outputs: int, inputs: int) -> sparse.csr_array:
    taps, meant = relation.taps(np.arange(outputs))
    meant = meant & (taps >= 0) & (taps < inputs)
    places = np.nonzero(meant)
    ones = np.ones(len(places[0]), dtype=np.int32)
    return sparse.csr_array((ones, (places[0], taps[meant])), shape=(outputs, inputs))


def _back(read: Read, node: Node, mask: Mask) -> AnyMask:
    if read.pairs is not None:
        return ((mask.ravel().astype(np.int32) @ read.pairs) > 0).reshape(read.source.map_size)
    rows, cols = _tables(read, node)
    return (rows.T @ mask.astype(np.int32) @ cols) > 0


def _forth(read: Read, node: Node, mask: Mask) -> AnyMask:
    if read.pairs is not None:
        return ((read.pairs @ mask.ravel().astype(np.int32)) > 0).reshape(node.map_size)
    rows, cols = _tables(read, node)
    return (rows @ mask.astype(np.int32) @ cols.T) > 0
