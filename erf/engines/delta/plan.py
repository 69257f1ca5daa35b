"""What will be computed: which patches go together, and every window, before any tensor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from erf.engines.delta.classes import Class, classify, lay_out
from erf.engines.delta.cost import features, multiplications, necessary, weight_size
from erf.engines.delta.frame import Frame
from erf.engines.delta.spans import COLS, ROWS, Span, affected, exact_windows, needed
from erf.geometry import PatchGrid, Target
from erf.graph import Graph, Node

WEIGHT_PASS = 10.0
"""Cost of fetching one weight from memory, in multiplications: the ratio of their rates."""
CALL = 2e6
"""Cost of calling one operator, in multiplications."""
VALUE = 40.0
"""Cost of carrying one number through one operator, in multiplications."""


@dataclass(frozen=True, eq=False)
class Group:
    """Patches whose windows have the same shapes.

    Attributes:
        patches: flat indices into the grid.
        rows, cols: windows of the patches' rows and columns.
        row_of, col_of: of each patch, its place among the members of ``rows`` and ``cols``.
    """

    patches: Int64[np.ndarray, " n"]
    rows: Class
    cols: Class
    row_of: Int64[np.ndarray, " n"]
    col_of: Int64[np.ndarray, " n"]

    def frame(self, node: Node, chosen: Int64[np.ndarray, " m"]) -> Frame | None:
        """The windows of some of the patches; None if nothing of the node changes."""
        rows, cols = self.rows.lanes.get(node), self.cols.lanes.get(node)
        if rows is None or cols is None or rows.length == 0 or cols.length == 0:
            return None
        return Frame(rows.take(self.row_of[chosen]), cols.take(self.col_of[chosen]))


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything that shapes decide.

    Attributes:
        nodes: the nodes between image and targets, in order.
        targets: node of each target.
        exact: along rows and along columns, what changes and is needed, for every patch start.
        active: patches of the grid that can change some target.
        groups: batches are taken from these.
    """

    nodes: tuple[Node, ...]
    targets: tuple[Node, ...]
    exact: tuple[Mapping[Node, Span], Mapping[Node, Span]]
    active: Bool[np.ndarray, "patch_rows patch_cols"]
    groups: tuple[Group, ...]

    @property
    def multiplications(self) -> Float64[np.ndarray, "patch_rows patch_cols"]:
        """Necessary multiplications of one draw of every patch."""
        return necessary(list(self.nodes), self.exact) * self.active


def target_box(node: Node, target: Target, axis: int) -> tuple[int, int]:
    """The positions of a target along one axis."""
    if target.unit is None:
        return 0, node.map_size[axis]
    return target.unit[axis], target.unit[axis] + 1


def make_plan(
    graph: Graph, targets: Sequence[Target], grid: PatchGrid, whole: frozenset[Node]
) -> Plan:
    """Plan a probe.

    Args:
        graph: the exported model.
        targets: what is watched.
        grid: of patches.
        whole: nodes whose operator has no formula for windows.
    """
    ends = tuple(graph.layer(target.layer) for target in targets)
    nodes = graph.before(ends)
    exact: list[dict[Node, Span]] = []
    seen: list[list[Bool[np.ndarray, " n"]]] = []
    for axis in (ROWS, COLS):
        boxes: dict[Node, tuple[int, int]] = {}
        for node, target in zip(ends, targets, strict=True):
            lo, hi = target_box(node, target, axis)
            before = boxes.get(node, (lo, hi))
            boxes[node] = min(lo, before[0]), max(hi, before[1])
        spans = affected(nodes, graph.image, grid.starts[axis], grid.patch, axis)
        exact.append(exact_windows(spans, needed(nodes, boxes, axis), nodes))
        seen.append(
            [
                spans[node].clip(*target_box(node, target, axis)).filled
                for node, target in zip(ends, targets, strict=True)
            ]
        )
    active = np.zeros(grid.shape, dtype=bool)
    for rows, cols in zip(*seen, strict=True):
        active |= np.outer(rows, cols)
    groups = tuple(_groups(list(exact[ROWS]), exact, active, whole))
    return Plan(tuple(nodes), ends, (exact[ROWS], exact[COLS]), active, groups)


def _groups(
    nodes: Sequence[Node],
    exact: Sequence[Mapping[Node, Span]],
    active: Bool[np.ndarray, "patch_rows patch_cols"],
    whole: frozenset[Node],
) -> Iterator[Group]:
    """Classes of rows crossed with classes of columns."""
    if not active.any():
        return
    sides = np.logical_or.reduce(active, axis=1), np.logical_or.reduce(active, axis=0)
    rows = _classes(nodes, exact, sides, whole, ROWS, crossed=4)
    cols = _classes(nodes, exact, sides, whole, COLS, crossed=len(rows))
    for row in rows:
        for col in cols:
            row_of, col_of = np.nonzero(active[np.ix_(row.members, col.members)])
            if len(row_of):
                patches = row.members[row_of] * active.shape[1] + col.members[col_of]
                yield Group(patches, row, col, row_of, col_of)


def _classes(
    nodes: Sequence[Node],
    exact: Sequence[Mapping[Node, Span]],
    sides: tuple[Bool[np.ndarray, " rows"], Bool[np.ndarray, " cols"]],
    whole: frozenset[Node],
    axis: int,
    *,
    crossed: int,
) -> list[Class]:
    """Classes of the active starts along an axis, priced with the other axis's windows."""
    mine, other = sides[axis], sides[1 - axis]
    across = [float(exact[1 - axis][node].length[other].sum()) for node in nodes]
    price = [multiplications(node) + VALUE * features(node) for node in nodes]
    overhead = sum(WEIGHT_PASS * weight_size(node) + CALL for node in nodes)
    starts = np.flatnonzero(mine)
    lengths = np.stack([exact[axis][node].length[starts] for node in nodes], axis=1)
    merged = classify(lengths, np.array(price) * np.array(across), overhead * crossed)
    return [lay_out(starts[index], exact[axis], whole, axis) for index in merged]
