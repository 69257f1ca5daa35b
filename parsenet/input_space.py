"""From a picture's grey levels to what a model takes in, and back."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float32, Shaped
from torch import Tensor

from parsenet.errors import CheckpointError

ChannelOrder = Literal["rgb", "bgr"]
Triple = tuple[float, float, float]
LARGEST = 1e30
"""Of a mean, a deviation and what is divided by one: single precision ends at 3e38."""


@dataclass(frozen=True)
class InputSpace:
    """How an image is shifted and scaled before a model sees it.

    Attributes:
        mean, std: grey levels (0..255) that the input is shifted and divided by, one for each input
            channel of the model, in the model's channel order.
        channel_order: "rgb", or "bgr" as in Caffe.

    Raises:
        CheckpointError: if a value is none of these.
    """

    mean: Triple
    std: Triple
    channel_order: ChannelOrder = "rgb"

    def __post_init__(self) -> None:
        if len(self.mean) != 3 or not all(abs(level) <= LARGEST for level in self.mean):
            raise CheckpointError(f"mean must be three finite numbers, not {self.mean!r}")
        if len(self.std) != 3 or not all(1 / LARGEST <= level <= LARGEST for level in self.std):
            raise CheckpointError(f"std must be three numbers above zero, not {self.std!r}")
        if self.channel_order not in get_args(ChannelOrder):
            raise CheckpointError(
                f"channel_order must be one of {get_args(ChannelOrder)}, not {self.channel_order!r}"
            )

    def tensor(self, image: Shaped[np.ndarray, "height width 3"]) -> Float32[Tensor, "3 h w"]:
        """Bring an RGB image of grey levels, 0..255, into the model's input space."""
        levels = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))
        return self.batch(levels[None])[0].contiguous()

    def batch(self, images: Shaped[Tensor, "n height width 3"]) -> Float32[Tensor, "n 3 h w"]:
        """Do the same for several RGB images, on their device; channels are last in memory."""
        levels = images.float()
        if self.channel_order == "bgr":
            levels = levels.flip(3)
        # A row of pixels is one long vector: loops over three channels alone are slow.
        n, height, width, _ = levels.shape
        mean, std = (
            torch.tensor(triple, device=levels.device).repeat(width)
            for triple in (self.mean, self.std)
        )
        levels = (levels.reshape(n, height, 3 * width) - mean) / std
        return levels.view(n, height, width, 3).permute(0, 3, 1, 2)

    def sigma(self, grey_levels: float) -> Triple:
        """What a standard deviation in grey levels amounts to in each input channel."""
        first, second, third = (grey_levels / level for level in self.std)
        return first, second, third


IMAGENET = InputSpace((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
"""torchvision's classification weights: mean .485 .456 .406, std .229 .224 .225, of 255."""
