"""The rows of the speed table: full-width networks with random weights, and what is probed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn
from torchvision.models import get_model

from parsenet import VGG16, build

PATCH, STRIDE, DRAWS = 16, 16, 8
BUDGET = 4 * 2**30


class UpTo(nn.Module):
    """A VGG-16 that stops at a layer, so that dense does not pay for what follows."""

    def __init__(self, layer: str, net: VGG16 | None = None) -> None:
        super().__init__()
        self.net = VGG16(dropout=False) if net is None else net
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


def _fcn32s() -> nn.Module:
    """FCN's own: conv1_1 pads by 100, fc6 is 7x7 with 4096 channels and does not pad."""
    return UpTo("fc7", build("fcn32s", dropout=False))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "fcn32s": (_fcn32s, "net.fc7"),
    "vgg16": (partial(UpTo, "conv5_3"), "net.conv5_3"),
    "parsenet": (partial(build, "parsenet", dropout=False), "score"),
    "resnet18-layer3": (partial(Stages, 3), "stages.2"),
    "resnet18-layer4": (partial(Stages, 4), "stages.3"),
}
"""Name to constructor and probed layer."""


@dataclass(frozen=True)
class SpeedRow:
    """One line of the table.

    Attributes:
        name: to choose it by.
        title: in the table.
        network: one of `NETWORKS`.
        whole: the whole layer instead of its central unit.
        size: side of the image, pixels.
        goal: ratio to dense aimed at.
        share: of delta's work that is run.
    """

    name: str
    title: str
    network: str
    whole: bool = False
    size: int = 500
    goal: float | None = None
    share: float = 1.0


_FC7 = "FCN-32s VGG-16 fc7, centre unit"
ROWS = (
    SpeedRow("fc7", _FC7, "fcn32s", goal=100),
    SpeedRow("fc7-all", "FCN-32s VGG-16 fc7, whole layer", "fcn32s", True, goal=7, share=0.05),
    SpeedRow("conv5", "VGG-16 conv5_3, centre unit", "vgg16", goal=400),
    SpeedRow("conv5-all", "VGG-16 conv5_3, whole layer", "vgg16", True, goal=70, share=0.4),
    SpeedRow("parsenet", "ParseNet (stride 8, late) score, centre unit", "parsenet", share=0.04),
    SpeedRow("layer3", "ResNet-18 layer3, centre unit", "resnet18-layer3", size=224, goal=20),
    SpeedRow("layer4", "ResNet-18 layer4, centre unit", "resnet18-layer4", size=224, goal=5),
    SpeedRow("fc7-250", _FC7, "fcn32s", size=250),
    SpeedRow("fc7-1000", _FC7, "fcn32s", size=1000),
)
