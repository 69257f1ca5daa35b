"""Scenes to train on: the k-th is a pure function of the spec and of k."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int64, UInt8
from torch import Tensor

from parsenet.input_space import InputSpace
from parsenet.scenes.rendering import render
from parsenet.scenes.spec import CLASSES, SceneSpec

# Mean and standard deviation of the grey levels of a thousand scenes, rounded.
INPUT_SPACE = InputSpace((170.0, 170.0, 170.0), (43.0, 36.0, 43.0))

# Scenes that no training ever sees begin at this index.
HELD_OUT = 2**40

LabelledScene = tuple[UInt8[np.ndarray, "size size 3"], UInt8[np.ndarray, "size size"]]


@dataclass(frozen=True)
class Scenes:
    """Scenes without end, as training data: ``scenes[k]`` is the image and label of scene k."""

    spec: SceneSpec

    def __getitem__(self, k: int) -> LabelledScene:
        """Render a scene."""
        scene = render(self.spec, k)
        return scene.image, scene.label


def class_weights(spec: SceneSpec, *, scenes: int = 64) -> Float32[Tensor, "classes"]:
    """Return weights for the loss by `root_weights`, from held-out scenes: any seed may train."""
    pixels = np.zeros(len(CLASSES), np.int64)
    for index in range(scenes):
        label = render(spec, HELD_OUT + index).label
        pixels += np.bincount(label.ravel(), minlength=len(CLASSES))
    return root_weights(pixels)


def root_weights(pixels: Int64[np.ndarray, "classes"]) -> Float32[Tensor, "classes"]:
    """Return weights for the loss that lean towards rare classes, from their numbers of pixels.

    A class weighs as the inverse square root of its share of the pixels, scaled so that an average
    pixel weighs 1. The plain inverse would balance classes wholly, but makes a network call too
    much of the background an object. A class without pixels weighs as if it had one.
    """
    share = np.maximum(pixels, 1) / np.sum(pixels)
    weights = share**-0.5
    return torch.tensor(weights / (weights * share).sum(), dtype=torch.float32)
