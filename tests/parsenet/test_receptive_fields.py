"""Theoretical receptive fields, found without any rule: which columns turn a unit into NaN?"""

from collections.abc import Callable

import pytest
import torch

from parsenet import VGG16, build

SIZE = 500
NETS = {
    "FCN-32s": build("fcn32s", width=1 / 64),
    "ParseNet": build("parsenet", width=1 / 64),
    "fc_reduced": VGG16(width=1 / 64, fc6="reduced"),
}
# Sizes as published for FCN and derived for the others.
FIELDS = {
    "FCN-32s": {"pool3": 44, "conv4_3": 92, "pool4": 100, "conv5_3": 196, "pool5": 212, "fc7": 404},
    "ParseNet": {
        "conv3_3": 40,
        "pool3": 44,
        "conv4_3": 92,
        "pool4": 108,
        "conv5_3": 204,
        "pool5": 220,
        "fc6": 412,
        "fc7": 412,
    },
    "fc_reduced": {"conv5_3": 196, "pool5": 212, "fc7": 404},
}
CASES = [(net, layer, size) for net, sizes in FIELDS.items() for layer, size in sizes.items()]


def first(holds: Callable[[int], bool], below: int) -> int:
    """Return the smallest number up to ``below`` from which on ``holds``, by bisection."""
    low, high = 0, below
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


@torch.no_grad()
def interval(net: VGG16, layer: str, axis: int) -> tuple[int, int, int]:
    """Return (unit, first pixel, end) of what the middle unit of a layer reads along an axis."""
    image = torch.zeros(1, 3, SIZE, SIZE)
    middle = net.trunk(image, layer)[layer].shape[axis] // 2

    def reads(pixels: slice) -> bool:
        disturbed = image.clone()
        disturbed.movedim(axis, 0)[pixels] = torch.nan
        blob = net.trunk(disturbed, layer)[layer].movedim(axis, 0)[middle]
        return bool(blob[..., blob.shape[-1] // 2].isnan().any())

    start = first(lambda end: reads(slice(0, end)), SIZE) - 1
    end = first(lambda begin: not reads(slice(begin, SIZE)), SIZE)
    return middle, start, end


@pytest.mark.parametrize(("net", "layer", "size"), CASES)
def test_field_has_its_known_size_and_lies_on_the_grid(net: str, layer: str, size: int) -> None:
    unit, start, end = interval(NETS[net].eval(), layer, axis=3)
    assert end - start == size
    grid = NETS[net].grids[layer]
    assert (start + end - 1) / 2 == grid.centre + grid.stride * unit


@pytest.mark.parametrize(("net", "size"), [("FCN-32s", 404), ("ParseNet", 412)])
def test_field_is_as_high_as_wide(net: str, size: int) -> None:
    _, start, end = interval(NETS[net].eval(), "fc7", axis=2)
    assert end - start == size
