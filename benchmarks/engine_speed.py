"""How long both engines take for one row of the speed table, and what the work allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.convolution_rate import CLOCKS, seconds, wait
from benchmarks.speed_rows import BUDGET, DRAWS, NETWORKS, PATCH, STRIDE, SpeedRow
from erf.engines.delta import DeltaEngine
from erf.engines.delta.cost import multiplications
from erf.engines.delta.memory import largest_batch
from erf.engines.delta.plan import Plan
from erf.engines.engine import Disturb
from erf.geometry import PatchGrid, Target
from erf.graph import Graph, Node, export
from erf.model import observe_maps

PIXELS = 2**21
"""Most pixels in a batch that dense is offered."""


@dataclass(frozen=True)
class Measured:
    """What came out of a row; times are of the whole grid and all draws.

    Attributes:
        name, title, size, goal: of the row.
        patches: of the grid.
        heard: how many of them the target can hear.
        dense_seconds: of batched dense at its best batch size.
        dense_batch: that size.
        delta_seconds: of delta, its plan and clean pass included.
        ratio: of the two.
        multiplications: that are necessary, all draws.
        bound: ratio of dense's multiplications to the necessary ones.
        share_of_bound: ratio over bound.
        rate_share: necessary multiplications a second over the machine's measured rate.
        sample: share of the necessary multiplications that was run.
    """

    name: str
    title: str
    size: int
    goal: float | None
    patches: int
    heard: int
    dense_seconds: float
    dense_batch: int
    delta_seconds: float
    ratio: float
    multiplications: float
    bound: float
    share_of_bound: float
    rate_share: float
    sample: float


@dataclass(frozen=True, eq=False)
class Subject:
    """A network and an image, and dense's time for it: what rows can share."""

    model: nn.Module
    image: Tensor
    graph: Graph
    layer: str
    dense_batch: int
    dense_seconds: float


def make_network(name: str, device: torch.device) -> tuple[nn.Module, str]:
    """A network with random weights, and its layer."""
    make, layer = NETWORKS[name]
    torch.manual_seed(0)
    return make().eval().to(device), layer


@lru_cache(maxsize=1)
def subject(network: str, size: int, device: torch.device, clock: str) -> Subject:
    """Build a network and time dense on it."""
    model, layer = make_network(network, device)
    image = torch.randn(3, size, size, device=device)
    graph = export(model, (1, 3, size, size))
    with torch.inference_mode():
        batch, each = _dense(model, image, layer, clock)
    return Subject(model, image, graph, layer, batch, each)


def _dense(model: nn.Module, image: Tensor, layer: str, clock: str) -> tuple[int, float]:
    """Best batch size and its seconds an image."""
    most = max(1, PIXELS // image[0].numel())
    batches = [2**power for power in range(min(5, int(math.log2(most))) + 1)]

    def each(batch: int, repeats: int) -> float:
        images = image.repeat(batch, 1, 1, 1)
        taken = seconds(
            lambda: observe_maps(model, images, [layer], None),
            image.device,
            clock,
            repeats,
            warm=False,
        )
        return taken / batch

    each(1, 1)
    best, batch = min((each(batch, 1), batch) for batch in batches)
    return batch, min(best, each(batch, 2))


def measure_row(
    row: SpeedRow,
    rate: float,
    device: torch.device,
    *,
    share: float | None = None,
    clock: str = "wall",
) -> Measured:
    """Run both engines."""
    of = subject(row.network, row.size, device, clock)
    grid = PatchGrid((row.size, row.size), PATCH, STRIDE)
    target = target_of(row, of.graph, of.layer)
    with torch.inference_mode():
        plan, delta, sample = _delta(of, target, grid, row.share if share is None else share, clock)
    jobs = len(grid) * DRAWS
    dense = of.dense_seconds * jobs
    necessary = float(plan.multiplications.sum()) * DRAWS
    bound = dense_multiplications(of.graph, of.graph.layer(of.layer)) * jobs / necessary
    return Measured(
        row.name, row.title, row.size, row.goal, len(grid), int(plan.active.sum()), dense,
        of.dense_batch, delta, dense / delta, necessary, bound, dense / delta / bound,
        2 * necessary / delta / rate, sample,
    )  # fmt: skip


def target_of(row: SpeedRow, graph: Graph, layer: str) -> Target:
    """The whole layer or its central unit."""
    rows, cols = graph.layer(layer).map_size
    return Target(layer, None if row.whole else (rows // 2, cols // 2))


def _delta(
    of: Subject, target: Target, grid: PatchGrid, share: float, clock: str
) -> tuple[Plan, float, float]:
    """The plan, seconds of the whole probe, and which share of its work was run."""
    _run(DeltaEngine(of.graph, of.image, [target], memory_bytes=BUDGET), grid, [len(grid) // 2])
    start = CLOCKS[clock]()
    engine = DeltaEngine(of.graph, of.image, [target], memory_bytes=BUDGET)
    plan = engine.plan(grid)
    _ = engine.clean
    wait(of.image.device)
    fixed = CLOCKS[clock]() - start
    work = plan.multiplications.ravel()
    patches = sample_patches(engine, plan, share)
    start = CLOCKS[clock]()
    _run(engine, grid, patches)
    wait(of.image.device)
    done = float(work[patches].sum() / work.sum())
    return plan, fixed + (CLOCKS[clock]() - start) / done, done


def _run(engine: DeltaEngine, grid: PatchGrid, patches: Sequence[int]) -> None:
    for _ in engine.measure(grid, patches, range(DRAWS), noise(engine.image)):
        pass


def sample_patches(engine: DeltaEngine, plan: Plan, share: float) -> list[int]:
    """The patches of some of delta's batches: in order of their work, every so manieth."""
    work = plan.multiplications.ravel()
    batches = []
    for group in plan.groups:
        size = max(1, largest_batch(engine.nodes, group, BUDGET) // DRAWS)
        batches += [group.patches[i : i + size] for i in range(0, len(group.patches), size)]
    batches.sort(key=lambda batch: float(work[batch].sum()))
    chosen: list[int] = []
    due = 0.5
    for batch in batches:
        due += share
        if due >= 1:
            due -= 1
            chosen += batch.tolist()
    return chosen


def noise(image: Tensor) -> Disturb:
    """Gaussian noise on the image's device."""
    generator = torch.Generator(image.device).manual_seed(0)

    def change(patches: np.ndarray, draws: np.ndarray) -> Tensor:
        shape = (len(patches), len(image), PATCH, PATCH)
        return 0.1 * torch.randn(shape, generator=generator, device=image.device)

    return change


def dense_multiplications(graph: Graph, layer: Node) -> float:
    """Multiplications of one forward pass up to a layer."""
    nodes = graph.before([layer])
    return float(sum(multiplications(n) * n.map_size[0] * n.map_size[1] for n in nodes if n.reads))
