"""The rows of the speed table, and how one is measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models import get_model

from benchmarks.convolution_rate import CLOCKS, seconds
from erf.engines.delta import DeltaEngine
from erf.engines.delta.cost import multiplications
from erf.engines.engine import Change
from erf.geometry import PatchGrid, Target
from erf.graph import Graph, Node
from erf.layers import observe
from parsenet import VGG16, build

PATCH, STRIDE, DRAWS = 16, 16, 8
BUDGET = 4 * 2**30


@dataclass(frozen=True)
class SpeedRow:
    """One line of the table.

    Attributes:
        name: to choose it by.
        title: in the table.
        make: builds the network.
        layer: module path of the target.
        whole: the whole layer instead of its central unit.
        size: side of the image, pixels.
        goal: ratio to dense aimed at.
        share: of delta's batches that is run.
    """

    name: str
    title: str
    make: Callable[[], nn.Module]
    layer: str
    whole: bool = False
    size: int = 500
    goal: float | None = None
    share: float = 1.0


@dataclass(frozen=True)
class Measured:
    """What came out of a row; times are of the whole grid and all draws.

    Attributes:
        name, title, size, goal: of the row.
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
    dense_seconds: float
    dense_batch: int
    delta_seconds: float
    ratio: float
    multiplications: float
    bound: float
    share_of_bound: float
    rate_share: float
    sample: float


class UpTo(nn.Module):
    """A VGG-16 that stops at a layer, so that dense does not pay for what follows."""

    def __init__(self, layer: str) -> None:
        super().__init__()
        self.net = VGG16(dropout=False)
        self.layer = layer

    def forward(self, image: Tensor) -> Tensor:
        """The layer's map."""
        return self.net.trunk(image, self.layer)[self.layer]


class Stages(nn.Module):
    """A ResNet-18 that stops after one of its stages."""

    def __init__(self, last: int) -> None:
        super().__init__()
        net = get_model("resnet18", weights=None)
        self.stem = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool)
        self.stages = nn.Sequential(*(getattr(net, f"layer{i}") for i in range(1, last + 1)))

    def forward(self, image: Tensor) -> Tensor:
        """The last stage's map."""
        stages: Tensor = self.stages(self.stem(image))
        return stages


def _vgg(name: str, title: str, layer: str, **settings: object) -> SpeedRow:
    return SpeedRow(name, title, partial(UpTo, layer), f"net.{layer}", **settings)  # type: ignore[arg-type]


ROWS = (
    _vgg("fc7", "FCN-32s VGG-16 fc7, centre unit", "fc7", goal=100),
    _vgg("conv5", "VGG-16 conv5_3, centre unit", "conv5_3", goal=400),
    _vgg("conv5-all", "VGG-16 conv5_3, whole layer", "conv5_3", whole=True, goal=70),
    _vgg("fc7-all", "FCN-32s VGG-16 fc7, whole layer", "fc7", whole=True, goal=7, share=0.05),
    SpeedRow(
        "parsenet",
        "ParseNet (stride 8, late) score, centre unit",
        partial(build, "parsenet", dropout=False),
        "score",
        share=0.05,
    ),
    SpeedRow(
        "layer3",
        "ResNet-18 layer3, centre unit",
        partial(Stages, 3),
        "stages.2",
        size=224,
        goal=20,
    ),
    SpeedRow(
        "layer4", "ResNet-18 layer4, centre unit", partial(Stages, 4), "stages.3", size=224, goal=5
    ),
    _vgg("fc7-250", "FCN-32s VGG-16 fc7, centre unit", "fc7", size=250),
    _vgg("fc7-1000", "FCN-32s VGG-16 fc7, centre unit", "fc7", size=1000, share=0.3),
)


def measure_row(
    row: SpeedRow,
    rate: float,
    device: torch.device,
    *,
    share: float | None = None,
    clock: str = "wall",
) -> Measured:
    """Run both engines."""
    torch.manual_seed(0)
    model = row.make().eval().to(device)
    image = torch.randn(3, row.size, row.size, device=device)
    grid = PatchGrid((row.size, row.size), PATCH, STRIDE)
    jobs = len(grid) * DRAWS
    with torch.inference_mode():
        batch, each = _dense(model, image, row.layer, clock)
        target = _target(model, image, row)
        warm = DeltaEngine(model, image, [target], memory_bytes=BUDGET)
        graph = warm.graph
        wanted = row.share if share is None else share
        delta, sample = _delta(graph, image, target, grid, wanted, clock)
        necessary = float(warm.multiplications(grid).sum()) * DRAWS
        full = dense_multiplications(graph, graph.layer(row.layer)) * jobs
    ratio, bound = each * jobs / delta, full / necessary
    return Measured(
        row.name, row.title, row.size, row.goal, each * jobs, batch, delta, ratio, necessary, bound,
        ratio / bound, 2 * necessary / delta / rate, sample,
    )  # fmt: skip


def _target(model: nn.Module, image: Tensor, row: SpeedRow) -> Target:
    (clean,) = observe(model, image[None], [row.layer])
    rows, cols = clean.shape[2:]
    return Target(row.layer, None if row.whole else (rows // 2, cols // 2))


def _dense(model: nn.Module, image: Tensor, layer: str, clock: str) -> tuple[int, float]:
    """Best batch size and its seconds an image."""
    found = []
    for batch in (1, 2, 4, 8):
        images = image.repeat(batch, 1, 1, 1)
        taken = seconds(
            lambda images=images: observe(model, images, [layer]), image.device, clock, 2
        )
        found.append((taken / batch, batch))
    best, batch = min(found)
    return batch, best


def _delta(
    graph: Graph, image: Tensor, target: Target, grid: PatchGrid, share: float, clock: str
) -> tuple[float, float]:
    """Seconds of the whole probe, and which share of its multiplications was run."""
    start = CLOCKS[clock]()
    engine = DeltaEngine(graph, image, [target], memory_bytes=BUDGET)
    plan = engine.plan(grid)
    _ = engine.clean
    fixed = CLOCKS[clock]() - start
    work = plan.multiplications.ravel()
    groups = np.random.default_rng(0).permutation(len(plan.groups))
    patches: list[int] = []
    for group in groups:
        if not patches or work[patches].sum() < share * work.sum():
            patches += plan.groups[group].patches.tolist()
    start = CLOCKS[clock]()
    for _ in engine.measure(grid, patches, range(DRAWS), _noise(image)):
        pass
    done = float(work[patches].sum() / work.sum())
    return fixed + (CLOCKS[clock]() - start) / done, done


def _noise(image: Tensor) -> Change:
    generator = torch.Generator(image.device).manual_seed(0)

    def change(patches: np.ndarray, draws: np.ndarray) -> Tensor:
        shape = (len(patches), len(image), PATCH, PATCH)
        return 0.1 * torch.randn(shape, generator=generator, device=image.device)

    return change


def dense_multiplications(graph: Graph, layer: Node) -> float:
    """Multiplications of one forward pass up to a layer."""
    nodes = graph.before([layer])
    return float(sum(multiplications(n) * n.map_size[0] * n.map_size[1] for n in nodes if n.reads))
