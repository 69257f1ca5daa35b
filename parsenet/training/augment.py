"""Random scale, crop and mirror of a photo and its labels, a pure function of seed and index."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F

from parsenet.datasets import VOID
from parsenet.errors import TrainingError

Size = tuple[int, int]
Image = UInt8[np.ndarray, "rows cols 3"]
Label = UInt8[np.ndarray, "rows cols"]
NewImage = UInt8[np.ndarray, "new_rows new_cols 3"]
NewLabel = UInt8[np.ndarray, "new_rows new_cols"]


@dataclass(frozen=True)
class Augmentation:
    """What happens to one photo: resized to ``size``, a ``window`` cut out of that, mirrored.

    Attributes:
        size: (rows, cols) of the whole photo after scaling.
        corner: (row, col) of the window's first pixel in it; negative where the window begins
            outside, which is then padded.
        window: (rows, cols) of what comes out.
        mirror: whether left and right are exchanged at the end.
    """

    size: Size
    corner: tuple[int, int]
    window: Size
    mirror: bool

    @classmethod
    def draw(
        cls,
        size: Size,
        *,
        seed: int,
        index: int,
        crop: Size | None = None,
        scales: tuple[float, float] = (1.0, 1.0),
        mirror: bool = True,
    ) -> Augmentation:
        """Draw for the ``index``-th sample of a training; nothing but the arguments matters.

        Args:
            size: (rows, cols) of the photo.
            seed, index: of the training, and of the sample in it; not below 0.
            crop: (rows, cols) of the window, or None for the whole scaled photo. A window smaller
                than the photo lies anywhere in it, a larger one anywhere around it.
            scales: smallest and largest factor; its logarithm is uniform, so that half and double
                size are equally likely.
            mirror: exchange left and right of every other photo.

        Raises:
            TrainingError: if seed, index, crop or scales are outside these.
        """
        _check(seed, index, crop, scales)
        random = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, index))))
        factor = exp(random.uniform(log(scales[0]), log(scales[1])))
        rows, cols = (max(1, round(factor * side)) for side in size)
        window = crop or (rows, cols)
        spare = rows - window[0], cols - window[1]
        row, col = (int(random.integers(min(0, s), max(0, s), endpoint=True)) for s in spare)
        mirrored = bool(random.random() < 0.5)
        return cls((rows, cols), (row, col), window, mirror and mirrored)

    def apply(
        self, image: Image, label: Label, *, fill: tuple[float, float, float]
    ) -> tuple[NewImage, NewLabel]:
        """Do it; both stay aligned. Padding is ``fill`` (RGB, 0..255) in the image and void."""
        levels = torch.from_numpy(image).permute(2, 0, 1)
        classes = torch.from_numpy(label)[None]
        if self.size != label.shape:
            levels = F.resize(levels, list(self.size), InterpolationMode.BILINEAR, antialias=True)
            classes = F.resize(classes, list(self.size), InterpolationMode.NEAREST_EXACT)
        levels = self._cut(levels, [float(round(level)) for level in fill])
        classes = self._cut(classes, [float(VOID)])
        return levels.permute(1, 2, 0).contiguous().numpy(), classes[0].contiguous().numpy()

    def _cut(
        self, planes: UInt8[Tensor, "planes rows cols"], fill: list[float]
    ) -> UInt8[Tensor, "planes window_rows window_cols"]:
        (row, col), (rows, cols) = self.corner, self.window
        before = max(0, -row), max(0, -col)
        after = (max(0, row + rows - self.size[0]), max(0, col + cols - self.size[1]))
        inside = rows - before[0] - after[0], cols - before[1] - after[1]
        planes = F.crop(planes, max(0, row), max(0, col), *inside)
        planes = F.pad(planes, [before[1], before[0], after[1], after[0]], fill=fill)
        return F.horizontal_flip(planes) if self.mirror else planes


def _check(seed: int, index: int, crop: Size | None, scales: tuple[float, float]) -> None:
    if seed < 0 or index < 0:
        raise TrainingError(f"seed and index must not be below 0, are {seed} and {index}")
    if crop is not None and min(crop) < 1:
        raise TrainingError(f"crop must be at least 1x1 pixels, is {crop[0]}x{crop[1]}")
    if not 0 < scales[0] <= scales[1] < float("inf"):
        raise TrainingError(f"scales must be a range above 0, not {scales[0]:g} to {scales[1]:g}")
