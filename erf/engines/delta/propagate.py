"""One batch of changes, from the image to the targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from erf.engines.delta.clean import CleanPass
from erf.engines.delta.frame import Frame, Lane, refit, whole_frame
from erf.engines.delta.plan import Group
from erf.engines.delta.prepared import Prepared
from erf.engines.delta.rules.table import Formula, is_window_map
from erf.engines.delta.step import Change, Step
from erf.graph import Node


def propagate(
    *,
    nodes: Sequence[Node],
    rules: Mapping[Node, Formula],
    whole: frozenset[Node],
    ends: frozenset[Node],
    image: Node,
    clean: CleanPass,
    group: Group,
    chosen: Int64[np.ndarray, " patches"],
    draws: int,
    added: Float[Tensor, "batch c patch patch"],
    boxes: Int64[np.ndarray, "patches 2"],
    prepared: Prepared,
) -> dict[Node, Change]:
    """Pass changes on, node by node; what no later node reads is dropped.

    Args:
        nodes: in order, the image among them.
        rules: how each node passes changes on.
        whole: nodes whose rule runs on whole tensors.
        ends: nodes whose change is wanted.
        image: the first node.
        clean: the clean pass.
        group: the windows.
        chosen: which of the group's patches.
        draws: of every patch.
        added: what is added to the image, draws running fastest.
        boxes: (top, left) of every patch.
        prepared: once, for every batch.
    """
    if group.frame(image, chosen) is None:
        return {}  # the hull of what is read holds the patch, but nothing read lies in it
    last = {source: node for node in nodes for source in node.inputs}
    changes = {image: _entrance(image, group, chosen, added, boxes)}
    for node in nodes:
        frame = group.frame(node, chosen)
        if frame is None or not any(read.source in changes for read in node.reads):
            continue
        step = Step(
            node,
            None if node in whole else frame,
            len(chosen),
            draws,
            clean,
            changes,
            prepared,
        )
        values = rules[node].apply(step)
        changes[node] = Change(values, _place(node, whole, frame, len(chosen)))
        for source in set(node.inputs):
            if last[source] is node and source not in ends:
                changes.pop(source, None)
    clean.tiled.clear()
    return {node: change for node, change in changes.items() if node in ends}


def _place(node: Node, whole: frozenset[Node], frame: Frame, patches: int) -> Frame | None:
    """Where the values of a node lie."""
    if node not in whole:
        return frame
    return whole_frame(node.map_size, patches) if is_window_map(node) else None


def _entrance(
    image: Node,
    group: Group,
    chosen: Int64[np.ndarray, " patches"],
    added: Float[Tensor, "batch c patch patch"],
    boxes: Int64[np.ndarray, "patches 2"],
) -> Change:
    """The change of the image, cut to what is needed of it."""
    frame = group.frame(image, chosen)
    assert frame is not None
    side = added.shape[-1]
    have = Frame(Lane(boxes[:, 0], side), Lane(boxes[:, 1], side))
    values = refit(added, have, frame, (2, 3)).contiguous(memory_format=torch.channels_last)
    return Change(values, frame)
