"""Scenes as a data set: the k-th sample is a pure function of the spec and of k."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor
from torch.utils.data import Dataset

from parsenet.input_space import InputSpace
from parsenet.scenes.render import render
from parsenet.scenes.spec import CLASSES, SceneSpec

# Mean and standard deviation of the grey levels of a thousand scenes, rounded.
INPUT_SPACE = InputSpace((170.0, 170.0, 170.0), (43.0, 36.0, 43.0))

# Scenes that no training ever sees begin at this index.
HELD_OUT = 2**40

Pair = tuple[Float32[Tensor, "3 size size"], Int64[Tensor, "size size"]]


@dataclass(frozen=True)
class SceneSamples(Dataset[Pair]):
    """`samples[k]` is the image of scene `first` + k, in the model's input space, and its label."""

    spec: SceneSpec
    first: int = 0

    def __getitem__(self, k: int) -> Pair:
        """Render a scene."""
        scene = render(self.spec, self.first + k)
        return INPUT_SPACE.tensor(scene.image), torch.from_numpy(scene.label).long()


def class_weights(spec: SceneSpec, *, scenes: int = 64) -> Float32[Tensor, "classes"]:
    """Return weights for the loss that lean towards rare classes.

    A class weighs as the inverse square root of its share of the pixels (of held-out scenes, so
    that any seed may train), scaled so that an average pixel weighs 1. The plain inverse would
    balance classes wholly, but makes a network call too much of the background an object.
    """
    pixels = sum(
        np.bincount(render(spec, HELD_OUT + index).label.ravel(), minlength=len(CLASSES))
        for index in range(scenes)
    )
    share = np.maximum(pixels, 1) / np.sum(pixels)
    weights = share**-0.5
    return torch.tensor(weights / (weights * share).sum(), dtype=torch.float32)
