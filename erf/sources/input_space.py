"""From a picture's grey levels to what a model takes in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float32, Shaped
from torch import Tensor

from erf.errors import SourceError

ChannelOrder = Literal["rgb", "bgr"]

LARGEST = 1e30
"""Of a mean, a deviation and what is divided by one: single precision ends at 3e38."""


@dataclass(frozen=True)
class InputSpace:
    """How an image is shifted and scaled before a model sees it.

    Attributes:
        mean, std: levels that the input is shifted and divided by, one for each input channel of
            the model, in the model's channel order; of a photo in grey levels, 0..255.
        channel_order: ``rgb``, or ``bgr`` as in Caffe.
        known: whether these come with the weights; where not, they are ImageNet's usual ones.
        white: the largest level in the numbers of images that are no photos; see `own`.

    Raises:
        SourceError: when a value is none of these.

    Example:
        >>> half = InputSpace((127.5,) * 3, (127.5,) * 3)
        >>> half.tensor(np.full((1, 1, 3), 255, np.uint8)).ravel().tolist()
        [1.0, 1.0, 1.0]
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    channel_order: ChannelOrder = "rgb"
    known: bool = True
    white: float = 255.0

    def __post_init__(self) -> None:
        if not self.mean or not all(abs(level) <= LARGEST for level in self.mean):
            raise SourceError(f"mean {self.mean} must be finite numbers, one a channel")
        if len(self.std) != len(self.mean) or not all(
            1 / LARGEST <= level <= LARGEST for level in self.std
        ):
            raise SourceError(f"std {self.std} must be {len(self.mean)} numbers above zero")
        if self.channel_order not in get_args(ChannelOrder):
            raise SourceError(f"channels {self.channel_order!r} are neither rgb nor bgr")

    @classmethod
    def of_shares(
        cls,
        mean: Sequence[float],
        std: Sequence[float],
        *,
        largest: float = 255,
        known: bool = True,
    ) -> InputSpace:
        """Of mean and deviation given as shares of the largest level, as most libraries do."""
        return cls(
            tuple(largest * level for level in mean),
            tuple(largest * level for level in std),
            known=known,
        )

    @classmethod
    def read(
        cls, mean: str | None, std: str | None, *, largest: float = 255, channels: str = "rgb"
    ) -> InputSpace | None:
        """Read what a person writes, ``123.7,116.3,103.5``; None where nothing is written.

        Args:
            mean, std: numbers with commas between.
            largest: white, in their units: 255, or 1.
            channels: ``rgb`` or ``bgr``.

        Raises:
            SourceError: when one is given without the other, or they are no such numbers.

        Example:
            >>> InputSpace.read("0.5,0.5,0.5", "0.5,0.5,0.5", largest=1).mean
            (127.5, 127.5, 127.5)
        """
        if mean is None and std is None:
            if channels != "rgb" or largest != 255:
                raise SourceError("--channels and --range belong to --mean and --std")
            return None
        if mean is None or std is None:
            raise SourceError("--mean and --std belong together")
        scale = 255 / largest
        levels, deviations = (
            tuple(scale * level for level in _numbers(text)) for text in (mean, std)
        )
        order: ChannelOrder = "bgr" if channels == "bgr" else "rgb"
        return cls(levels, deviations, order, white=largest)

    @property
    def channels(self) -> int:
        """How many channels the model takes."""
        return len(self.mean)

    def tensor(self, image: Shaped[np.ndarray, "rows cols channels"]) -> Float32[Tensor, "c h w"]:
        """Bring an image, an RGB photo of grey levels or any array, into the model's input space.

        Raises:
            SourceError: when it has another number of channels; a photo becomes grey for a model of
                one channel.
        """
        levels = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32)).permute(2, 0, 1)
        if self.channels == 1 and len(levels) == 3:
            levels = torch.einsum("c,chw->hw", torch.tensor([0.299, 0.587, 0.114]), levels)[None]
        if len(levels) != self.channels:
            raise SourceError(
                f"the image has {len(levels)} channels, the model's mean and std have "
                f"{self.channels}; give --mean and --std, a number a channel"
            )
        if self.channel_order == "bgr":
            levels = levels.flip(0)
        mean, std = (torch.tensor(values)[:, None, None] for values in (self.mean, self.std))
        return ((levels - mean) / std).contiguous()

    def own(self, values: Float32[np.ndarray, "rows cols channels"]) -> Float32[Tensor, "c h w"]:
        """Bring an image that is no photo into the model's input space.

        Its numbers are those in which mean and deviation were given: of white 255, or 1.

        Raises:
            SourceError: when it has another number of channels.
        """
        return self.tensor(values * np.float32(255 / self.white))

    def sigma(self, levels: float) -> tuple[float, ...]:
        """What a standard deviation in grey levels amounts to in each input channel."""
        return tuple(levels / level for level in self.std)


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise SourceError(f"{text!r} are not numbers such as 123.7,116.3,103.5") from None


IMAGENET = InputSpace((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), known=False)
"""What most networks are trained with: mean .485 .456 .406, std .229 .224 .225, of 255."""
