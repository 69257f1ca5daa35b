"""The delta engine: propagate the change, not the image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from jaxtyping import Float, Float64, Int64
from torch import Tensor, nn

from erf.engines.delta.clean import CleanPass, inputs_recursively
from erf.engines.delta.memory import bytes_of_one, largest_batch
from erf.engines.delta.plan import Group, Plan, make_plan
from erf.engines.delta.prepared import Prepared
from erf.engines.delta.propagate import propagate
from erf.engines.delta.readout import read_target, silent
from erf.engines.delta.rules import FALLBACK, find_rule, fold, window_weights
from erf.engines.engine import Disturb, Reading
from erf.geometry import PatchGrid, Target
from erf.graph import Graph, Node, export, map_layout


class DeltaEngine:
    """Propagates changes through the exported graph of a model: exact, and sees tails.

    Args:
        model: in evaluation mode, or its exported graph.
        image: the clean image, on the model's device.
        targets: what to watch.
        memory_bytes: budget for the windows of one batch.
        batch_size: disturbances at a time; None takes what the budget allows.

    Raises:
        ExportError: when the model cannot be exported.
        LayerError: when a target's layer is not in the graph, or it is not known which of its
            dimensions are rows and columns.
    """

    name = "delta"
    exact = True

    def __init__(
        self,
        model: nn.Module | Graph,
        image: Float[Tensor, "c h w"],
        targets: Sequence[Target],
        *,
        memory_bytes: int = 4 * 2**30,
        batch_size: int | None = None,
    ) -> None:
        shape = (1, *image.shape)
        self.graph = model if isinstance(model, Graph) else export(model, shape)
        self.image, self.targets = image, tuple(targets)
        self.memory_bytes, self.batch_size = memory_bytes, batch_size
        for target in targets:
            map_layout(self.graph, target.layer)
        ends = frozenset(self.graph.layer(target.layer) for target in targets)
        self.nodes = self.graph.before(ends)
        rules = {node: find_rule(node) for node in self.nodes if node.reads}
        self.rules, scales = fold(rules, ends, self.graph.constants)
        self.prepared = Prepared(
            window_weights(self.rules, self.graph.constants), scales, memory_bytes
        )
        self._plans: dict[PatchGrid, Plan] = {}

    @cached_property
    def whole(self) -> frozenset[Node]:
        """Nodes that are computed on whole maps."""
        return frozenset(node for node, rule in self.rules.items() if not rule.windows(node))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know: which operators have no formula, if any."""
        lacking = [node.op for node, rule in self.rules.items() if rule is FALLBACK]
        counts = {op: lacking.count(op) for op in dict.fromkeys(lacking)}
        if not counts:
            return ()
        names = ", ".join(f"{op} ({count}x)" for op, count in counts.items())
        return (f"without a formula for changes, computed as differences of whole maps: {names}",)

    @cached_property
    def clean(self) -> CleanPass:
        """The clean pass; runs when first asked for."""
        keep = inputs_recursively(
            [source for node, rule in self.rules.items() for source in rule.clean(node)]
        )
        for node in self.whole:
            keep |= inputs_recursively([s for s in node.inputs if s.layout is None])
        keep |= {s for node in self.nodes for s in node.inputs if s.layout is None}
        return CleanPass(self.graph, self.image, self.nodes, frozenset(keep))

    def plan(self, grid: PatchGrid) -> Plan:
        """What would be computed for every patch of a grid."""
        if grid not in self._plans:
            self._plans[grid] = make_plan(self.graph, self.targets, grid, self.whole)
        return self._plans[grid]

    def multiplications(self, grid: PatchGrid) -> Float64[np.ndarray, "patch_rows patch_cols"]:
        """Necessary multiplications of one draw of every patch."""
        return self.plan(grid).multiplications

    def least_memory(self, grid: PatchGrid) -> int:
        """Bytes of one disturbance, the largest of all of a grid, and of what is prepared."""
        sizes = [bytes_of_one(self.nodes, group) for group in self.plan(grid).groups]
        return max(sizes, default=0) + self.prepared.bytes

    def measure(
        self, grid: PatchGrid, patches: Sequence[int], draws: Sequence[int], disturb: Disturb
    ) -> Iterator[Reading]:
        """See `Engine`. Patches outside every target's theoretical field cost nothing."""
        plan = self.plan(grid)
        wanted = np.asarray(patches, dtype=np.int64)
        order = np.asarray(draws, dtype=np.int64)
        outside = wanted[~plan.active.ravel()[wanted]]
        if len(outside) and len(order):
            yield silent(plan.targets, self.targets, outside, order)
        for group in plan.groups:
            chosen = np.flatnonzero(np.isin(group.patches, wanted))
            for some, few in self._batches(group, chosen, order):
                yield self._measure_batch(plan, group, some, few, grid, disturb)

    def _batches(
        self, group: Group, chosen: Int64[np.ndarray, " n"], draws: Int64[np.ndarray, " d"]
    ) -> Iterator[tuple[Int64[np.ndarray, " m"], Int64[np.ndarray, " e"]]]:
        """Some patches with some draws: all draws of a patch together where they fit."""
        limit = self.batch_size or largest_batch(
            self.nodes, group, self.memory_bytes - self.prepared.bytes
        )
        limit = limit if self.graph.any_batch else 1
        few = max(1, min(len(draws), limit))
        some = max(1, limit // few)
        for start in range(0, len(chosen), some):
            for first in range(0, len(draws), few):
                yield chosen[start : start + some], draws[first : first + few]

    def _measure_batch(
        self,
        plan: Plan,
        group: Group,
        chosen: Int64[np.ndarray, " m"],
        draws: Int64[np.ndarray, " e"],
        grid: PatchGrid,
        disturb: Disturb,
    ) -> Reading:
        patches = group.patches[chosen]
        all_patches, all_draws = np.repeat(patches, len(draws)), np.tile(draws, len(patches))
        changes = propagate(
            nodes=plan.nodes,
            rules=self.rules,
            whole=self.whole,
            ends=frozenset(plan.targets),
            image=self.graph.image,
            clean=self.clean,
            group=group,
            chosen=chosen,
            draws=len(draws),
            added=disturb(all_patches, all_draws),
            boxes=np.array([_corner(grid, int(patch)) for patch in patches]),
            prepared=self.prepared,
        )
        values = tuple(
            read_target(node, target, changes.get(node), plan, group, chosen, len(draws))
            for node, target in zip(plan.targets, self.targets, strict=True)
        )
        return Reading(all_patches, all_draws, values)


def _corner(grid: PatchGrid, patch: int) -> tuple[int, int]:
    box = grid.box(patch)
    return box.top, box.left
