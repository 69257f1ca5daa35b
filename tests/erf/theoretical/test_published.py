"""Sizes that papers print, and what arithmetic gives for their networks."""

from collections.abc import Sequence

import pytest
import torch
import torchvision
from torch import nn

from erf.geometry import Box
from erf.theoretical import TheoryTable, theoretical_field, theory

Step = tuple[str, int, int, int]
"""Name of the layer, kernel, stride, dilation."""


def chain(steps: Sequence[Step]) -> nn.Sequential:
    """Single-channel convolutions, padded so that maps keep their size; pools like convolutions."""
    model = nn.Sequential()
    for name, kernel, stride, dilation in steps:
        pad = dilation * (kernel - 1) // 2
        model.append(nn.Conv2d(1, 1, kernel, stride, pad, dilation))
        model._modules[name] = model._modules.pop(str(len(model) - 1))
    return model


def blocks(*, pools: Sequence[tuple[int, int]], dilation5: int = 1) -> list[Step]:
    """VGG-16's five blocks with pools of these (kernel, stride)."""
    steps: list[Step] = []
    for block, (count, pool) in enumerate(zip((2, 2, 3, 3, 3), pools, strict=True), start=1):
        dilation = dilation5 if block == 5 else 1
        steps += [(f"conv{block}_{i}", 3, 1, dilation) for i in range(1, count + 1)]
        steps.append((f"pool{block}", *pool, 1))
    return steps


FCN = [*blocks(pools=[(2, 2)] * 5), ("fc6", 7, 1, 1), ("fc7", 1, 1, 1)]
REDUCED = [*blocks(pools=[(2, 2)] * 5), ("fc6", 3, 1, 3), ("fc7", 1, 1, 1)]
PARSENET = [
    *blocks(pools=[(2, 2)] * 3 + [(3, 1)] * 2, dilation5=2),
    ("fc6", 3, 1, 12),
    ("fc7", 1, 1, 1),
]
LARGE_FOV = [
    *blocks(pools=[(3, 2)] * 3 + [(3, 1)] * 2, dilation5=2),
    ("pool5a", 3, 1, 1),
    ("fc6", 3, 1, 12),
    ("fc7", 1, 1, 1),
]


@pytest.mark.parametrize(
    ("steps", "sizes", "stride"),
    [
        (FCN, {"pool3": 44, "conv4_3": 92, "pool4": 100, "conv5_3": 196, "pool5": 212}, 32),
        (FCN, {"fc6": 404, "fc7": 404}, 32),
        (REDUCED, {"pool4": 100, "conv5_3": 196, "fc6": 404, "fc7": 404}, 32),
        (PARSENET, {"pool3": 44, "conv4_3": 92, "pool4": 108, "conv5_3": 204, "pool5": 220}, 8),
        (PARSENET, {"fc6": 412, "fc7": 412}, 8),
        (LARGE_FOV, {"fc7": 435}, 8),
    ],
)
def test_vgg_forms(steps: list[Step], sizes: dict[str, int], stride: int):
    model = chain(steps)
    table = theory(model, image_size=(128, 96), channels=1)
    assert {name: table[name].size for name in sizes} == {n: (s, s) for n, s in sizes.items()}
    assert table["fc7"].stride == (stride, stride)
    assert {row.status for row in table} == {"exact"}


PUBLISHED = {
    "alexnet": {
        "features.0": (11, 4, 2),
        "features.2": (19, 8, 2),
        "features.5": (67, 16, 18),
        "features.12": (195, 32, 66),
    },
    "vgg16": {
        "features.4": (6, 2, 2),
        "features.9": (16, 4, 6),
        "features.16": (44, 8, 18),
        "features.23": (100, 16, 42),
        "features.28": (196, 16, 90),
        "features.30": (212, 32, 90),
    },
    "resnet18": {
        "maxpool": (11, 4, 5),
        "layer1": (43, 4, 21),
        "layer2": (99, 8, 49),
        "layer3": (211, 16, 105),
        "layer4": (435, 32, 217),
    },
    "resnet50": {
        "layer1": (35, 4, 17),
        "layer2": (91, 8, 45),
        "layer3": (267, 16, 133),
        "layer4": (427, 32, 213),
    },
}


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_torchvision_rows(name: str):
    with torch.device("meta"):  # shapes are all that is asked
        model = torchvision.models.get_model(name, weights=None)
    table = theory(model, image_size=(224, 160))
    for layer, (size, stride, padding) in PUBLISHED[name].items():
        row = table[layer]
        assert (row.size, row.stride, row.padding) == ((size,) * 2, (stride,) * 2, (padding,) * 2)
        assert row.status == "exact"


def test_boxes_follow_size_stride_and_padding():
    model = chain(FCN)
    field = theoretical_field(model, "fc7", image_size=(500, 500), channels=1)
    assert field.units == (15, 15)
    (size, _), (stride, _), (padding, _) = field.size, field.stride, field.padding
    assert stride is not None
    assert padding is not None
    for row, col in ((0, 0), (7, 7), (14, 3)):
        top, left = row * stride - padding, col * stride - padding
        box = Box(top, left, top + size, left + size)
        assert field.box((row, col), clipped=False) == box
        assert field.box((row, col)) == box.clip((500, 500))


def test_sizes_do_not_depend_on_the_image():
    model = chain(FCN)
    tables: list[TheoryTable] = [
        theory(model, image_size=size, channels=1) for size in ((32, 64), (333, 500))
    ]
    for name in ("size", "stride", "padding"):
        small, large = ([getattr(row, name) for row in table] for table in tables)
        assert small == large
