"""A small network in a file, and an explorer of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

import erf
from erf.sources import Choice
from figures.explorer import ByName
from strategies.results import photo

NETWORK = """
import torch
from torch import nn


def make(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Conv2d(8, 6, 5, stride=4, padding=2),
    ).eval()


def other():
    return make(1)
"""
SIZE = (96, 80)
LAYER, UNITS = "2", (12, 10)


def order_in(folder: Path, *names: str, size: tuple[int, int] | None = None) -> ByName:
    """An order of networks out of a file in ``folder``, on a photo there."""
    (folder / "net.py").write_text(NETWORK)
    Image.fromarray(photo(SIZE)).save(folder / "photo.png")
    models = tuple(f"{folder / 'net.py'}:{name}" for name in names or ("make",))
    return ByName(Choice(), models, folder / "photo.png", size, folder / "kept")


def network(seed: int = 0) -> nn.Module:
    """The network that the file makes."""
    space: dict[str, object] = {}
    exec(NETWORK, space)
    return space["make"](seed)  # type: ignore[operator]


def subject_of(levels: np.ndarray, seed: int = 0) -> erf.Subject:
    """It on a photo, in the input space that is usual where none is said."""
    image = erf.sources.IMAGENET.tensor(levels)
    return erf.Subject(network(seed), image)


def sigma_of(levels: float) -> tuple[float, ...]:
    """Noise of some grey levels, in that space."""
    return erf.sources.IMAGENET.sigma(levels)


def random_subject(channels: int = 3) -> erf.Subject:
    """It on an image that is no photo."""
    image = torch.randn(channels, *SIZE, generator=torch.Generator().manual_seed(5))
    return erf.Subject(network(), image, "random")
