"""How maps are cut, enlarged and put together. As modules, so that a probe can name the result."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from parsenet.errors import ModelError


class Crop(nn.Module):
    """Cut a map to the height and width of another, leaving out ``offset`` leading units."""

    def __init__(self, offset: int = 0) -> None:
        super().__init__()
        self.offset = offset

    def forward(
        self, x: Float[Tensor, "n c h w"], like: Float[Tensor, "n d y x"]
    ) -> Float[Tensor, "n c y x"]:
        """Return the part of ``x`` that covers ``like``.

        Raises:
            ModelError: if ``x`` does not reach that far.
        """
        height, width = like.shape[-2:]
        bottom, right = self.offset + height, self.offset + width
        if x.shape[-2] < bottom or x.shape[-1] < right:
            raise ModelError(
                f"a {x.shape[-2]}x{x.shape[-1]} map cannot be cropped to {height}x{width} "
                f"at offset {self.offset}"
            )
        return x[:, :, self.offset : bottom, self.offset : right]

    def extra_repr(self) -> str:
        """Return what ``repr`` shows between the brackets."""
        return f"offset={self.offset}"


class Enlarge(nn.Module):
    """Interpolate a map bilinearly ``factor`` times as large, then cut it to fit another map.

    An interpolated unit keeps its place in the image; ``offset`` leading units are left out.
    """

    def __init__(self, factor: int, *, offset: int = 0) -> None:
        super().__init__()
        self.factor = factor
        self.crop = Crop(offset)

    def forward(
        self, x: Float[Tensor, "n c h w"], like: Float[Tensor, "n d y x"]
    ) -> Float[Tensor, "n c y x"]:
        """Return ``x`` at the resolution and size of ``like``."""
        if self.factor > 1:
            x = functional.interpolate(x, scale_factor=float(self.factor), mode="bilinear")
        cropped: Tensor = self.crop(x, like)
        return cropped

    def extra_repr(self) -> str:
        """Return what ``repr`` shows between the brackets."""
        return f"factor={self.factor}"


class Replicate(nn.Module):
    """Repeat a 1x1 map at every position of another: the original's ``UnPooling`` in mode REP."""

    def forward(
        self, x: Float[Tensor, "n c 1 1"], like: Float[Tensor, "n d y x"]
    ) -> Float[Tensor, "n c y x"]:
        """Return ``x`` spread over the positions of ``like``."""
        return x.expand(-1, -1, *like.shape[-2:])


class Concatenate(nn.Module):
    """Stack the channels of maps of one size: early fusion."""

    def forward(self, maps: list[Float[Tensor, "n _ h w"]]) -> Float[Tensor, "n c h w"]:
        """Return one map with the channels of all."""
        return torch.cat(maps, dim=1)


class Sum(nn.Module):
    """Add maps of one shape: late fusion, and the skips of FCN."""

    def forward(self, maps: list[Float[Tensor, "n c h w"]]) -> Float[Tensor, "n c h w"]:
        """Return the sum."""
        total = maps[0]
        for other in maps[1:]:
            total = total + other
        return total
