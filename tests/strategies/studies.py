"""Small studies: tiny models, small photos, known truths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

import erf
from erf.study import StudyMethod, StudyModel, StudyPlan

SPACE = erf.InputSpace((120.0,) * 3, (60.0,) * 3)
SIDE = 24


def net(seed: int = 0, kernel: int = 5) -> nn.Module:
    """Two convolutions, random weights."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 4, kernel, padding=kernel // 2), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1)
    ).eval()


def model(name: str, seed: int = 0, kernel: int = 5, layers: tuple[str, ...] = ()) -> StudyModel:
    """Such a network under a name."""
    return StudyModel(erf.LoadedModel(net(seed, kernel), name, SPACE, random=True), layers)


def photos(folder: Path, number: int, side: int = SIDE) -> tuple[Path, ...]:
    """Photos of noise, each its own."""
    folder.mkdir(exist_ok=True)
    found = []
    for index in range(number):
        levels = np.random.default_rng(index).integers(0, 256, (side, side, 3), dtype=np.uint8)
        path = folder / f"photo{index}.png"
        Image.fromarray(levels).save(path)
        found.append(path)
    return tuple(found)


def plan(
    images: tuple[Path, ...],
    models: tuple[StudyModel, ...] | None = None,
    layers: tuple[str, ...] = ("0", "2"),
    units: tuple[str, ...] = ("center",),
    patch: int = 4,
) -> StudyPlan:
    """A study of these photos by two small models."""
    return StudyPlan(
        models=models or (model("one"), model("other", 1)),
        images=images,
        layers=layers,
        units=units,
        methods={"noise": StudyMethod(erf.Noise(patch=patch, draws=2))},
    )


def hashes(root: Path) -> dict[str, str]:
    """Of every array in a tree: path of its result to the hashes that were kept of it."""
    from erf.results.group import attributes_of
    from erf.study.tree import find_places

    found = {}
    for place in find_places(root):
        attributes = attributes_of(place)
        assert attributes is not None
        found[str(place.relative_to(root))] = attributes["sha256"]
    return found
