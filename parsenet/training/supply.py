"""Training samples: the k-th image of a training, scaled, cut and mirrored."""

from collections.abc import Sized
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.utils.data import Dataset

from parsenet.input_space import InputSpace
from parsenet.training.augment import Augmentation, Size
from parsenet.training.recipe import Recipe
from parsenet.training.sampling import SampleOrder

# Bytes, as they come: a fifth of what the loss takes in travels between processes and to a GPU.
Example = tuple[UInt8[Tensor, "rows cols 3"], UInt8[Tensor, "rows cols"]]


@runtime_checkable
class Labelled(Protocol):
    """A data set: RGB images in 0..255 with a class for each pixel, 255 where there is none.

    One without ``__len__`` is endless: every image is seen once, in order.
    """

    def __getitem__(
        self, index: int, /
    ) -> tuple[UInt8[np.ndarray, "rows cols 3"], UInt8[np.ndarray, "rows cols"]]:
        """Return an image and its labels."""
        ...


@dataclass(frozen=True)
class Supply(Dataset[Example]):
    """``supply[k]`` is the k-th sample of a training; only the recipe and k decide about it.

    Attributes:
        data: the data set.
        input_space: of the model: padding is what it sees as zero.
        seed: of order and augmentation.
        crop, scales, mirror: see ``Augmentation``; ``crop`` None for whole photos.
    """

    data: Labelled
    input_space: InputSpace
    seed: int = 0
    crop: Size | None = None
    scales: tuple[float, float] = (1.0, 1.0)
    mirror: bool = False

    @classmethod
    def of(cls, recipe: Recipe, data: Labelled, input_space: InputSpace) -> "Supply":
        """Return what a recipe makes of a data set."""
        crop = (recipe.crop[0], recipe.crop[1]) if recipe.crop else None
        scales = (recipe.scales[0], recipe.scales[1])
        return cls(data, input_space, recipe.seed, crop, scales, recipe.mirror)

    @property
    def images(self) -> int | None:
        """Images of the data set; None if it is endless."""
        return len(self.data) if isinstance(self.data, Sized) else None

    def __getitem__(self, k: int) -> Example:
        """Return sample 0, 1, ..."""
        image, label = self.data[SampleOrder(self.images, self.seed).index(k)]
        if self.crop is not None or self.mirror or self.scales != (1.0, 1.0):
            plan = Augmentation.draw(
                (label.shape[0], label.shape[1]),
                seed=self.seed,
                index=k,
                crop=self.crop,
                scales=self.scales,
                mirror=self.mirror,
            )
            image, label = plan.apply(image, label, fill=self._fill())
        image, label = (np.require(array, requirements=["C", "W"]) for array in (image, label))
        return torch.from_numpy(image), torch.from_numpy(label)

    def _fill(self) -> tuple[float, float, float]:
        """Return the colour that the model sees as zero, RGB."""
        first, second, third = self.input_space.mean
        if self.input_space.channel_order == "bgr":
            first, third = third, first
        return first, second, third
