"""Layers to ask about first: what a person would name."""

from __future__ import annotations

import torchvision
from torch import nn

import erf
from erf.model import Layer, stages


def names(model: nn.Module, side: int = 64) -> list[str]:
    return [layer.name for layer in stages(erf.layers(model, (side, side)))]


def test_stages_of_a_residual_network() -> None:
    model = torchvision.models.resnet18(weights=None)
    assert names(model) == ["relu", "layer1", "layer2", "layer3", "layer4"]


def test_a_network_of_one_size_is_asked_at_its_quarters() -> None:
    model = torchvision.models.VisionTransformer(32, 8, 8, 2, 16, 32)
    assert names(model, 32)[-1] == "encoder"
    blocks = [Layer(f"blocks.{n}", "Block", 8, (4, 4)) for n in range(8)]
    assert [each.name for each in stages(blocks)] == [
        "blocks.1",
        "blocks.3",
        "blocks.5",
        "blocks.7",
    ]


def test_vectors_are_no_stages() -> None:
    assert stages([Layer("fc", "Linear", 10, (1, 1))]) == []
    assert stages([]) == []
