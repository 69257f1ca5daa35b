"""From changes of a layer to discrepancies of a target."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from erf.engines.delta.frame import Frame, Lane, refit, whole_frame
from erf.engines.delta.plan import Group, Plan
from erf.engines.delta.spans import COLS, ROWS
from erf.engines.delta.step import Change
from erf.engines.engine import Reading
from erf.geometry import Target
from erf.graph import Node, as_map


def read_target(
    node: Node,
    target: Target,
    change: Change | None,
    plan: Plan,
    group: Group,
    chosen: Int64[np.ndarray, " patches"],
    draws: int,
) -> Float64[np.ndarray, "batch ..."]:
    """L2 norm of the change over the target's channels, at its unit or everywhere.

    Outside what a patch can reach the answer is exactly zero.
    """
    if change is None:
        return _zeros(node, target, len(chosen) * draws)
    assert node.layout is not None
    norm = _norm(as_map(change.values, node.layout), target)
    frame = change.frame or whole_frame(node.map_size, len(chosen))
    if target.unit is None:
        wanted = whole_frame(node.map_size, len(chosen))
    else:
        row, col = (np.full(len(chosen), place) for place in target.unit)
        wanted = Frame(Lane(row, 1), Lane(col, 1))
    values = refit(norm[:, None], frame, wanted, (2, 3))[:, 0].cpu().numpy()
    inside = _reachable(node, plan, group, chosen, wanted)
    values = np.where(np.repeat(inside, draws, axis=0), values, 0.0)
    return values if target.unit is None else values[:, 0, 0]


def _norm(
    change: Float[Tensor, "batch channels rows cols"], target: Target
) -> Float64[Tensor, "batch rows cols"]:
    if target.channel is not None:
        change = change[:, target.channel : target.channel + 1]
    return torch.linalg.vector_norm(change, dim=1, dtype=torch.float64)


def _reachable(
    node: Node, plan: Plan, group: Group, chosen: Int64[np.ndarray, " patches"], wanted: Frame
) -> np.ndarray:
    """Which of the wanted positions each patch can change."""
    inside = []
    for axis, lane, of, members in (
        (ROWS, wanted.rows, group.row_of, group.rows.members),
        (COLS, wanted.cols, group.col_of, group.cols.members),
    ):
        span = plan.exact[axis][node].take(members[of[chosen]])
        inside.append((lane.index >= span.lo[:, None]) & (lane.index < span.hi[:, None]))
    return inside[0][:, :, None] & inside[1][:, None, :]


def silent(
    nodes: Sequence[Node],
    targets: Sequence[Target],
    patches: Int64[np.ndarray, " n"],
    draws: Int64[np.ndarray, " d"],
) -> Reading:
    """Patches that reach no target: all zeros."""
    count = len(patches) * len(draws)
    values = tuple(_zeros(n, t, count) for n, t in zip(nodes, targets, strict=True))
    return Reading(np.repeat(patches, len(draws)), np.tile(draws, len(patches)), values)


def _zeros(node: Node, target: Target, count: int) -> Float64[np.ndarray, "count ..."]:
    shape = (count,) if target.unit is not None else (count, *node.map_size)
    return np.zeros(shape)
