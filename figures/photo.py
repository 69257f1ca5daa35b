"""The probed image as a person sees it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64, UInt8
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from erf.results import Result
from figures.frame import frame

LUMA = np.array([0.2126, 0.7152, 0.0722])
"""Rec. 709 weights of red, green and blue in brightness."""


def picture(result: Result) -> UInt8[np.ndarray, "rows cols 3"]:
    """The picture kept with the result; otherwise the model's input, its range stretched."""
    return seen(result.image, result.picture)


def seen(
    image: Float32[np.ndarray, "channels rows cols"],
    levels: UInt8[np.ndarray, "rows cols 3"] | None = None,
) -> UInt8[np.ndarray, "rows cols 3"]:
    """An image as a person sees it.

    A tensor in a model's input space has no colours of its own: its first three channels (or its
    first, as grey) are scaled together from their smallest value to their largest.

    Args:
        image: in the model's input space.
        levels: the photo that it was made of, if it was.
    """
    if levels is not None:
        return levels
    channels: NDArray[np.float32] = image[:3] if image.shape[0] >= 3 else image[[0, 0, 0]]
    low, high = float(channels.min()), float(channels.max())
    shares = (channels - low) / ((high - low) or 1.0)
    return np.moveaxis(np.rint(255 * shares), 0, -1).astype(np.uint8)


def dimmed(
    image: UInt8[np.ndarray, "rows cols 3"], *, brightness: tuple[float, float] = (0.1, 0.55)
) -> Float64[np.ndarray, "rows cols 3"]:
    """``image`` in grey between two dark levels, so that colour drawn over it stands out."""
    low, high = brightness
    grey: NDArray[np.float64] = low + (high - low) * (image @ LUMA) / 255
    return np.repeat(grey[..., None], 3, axis=-1)


def draw_image(axes: Axes, image: UInt8[np.ndarray, "rows cols 3"]) -> AxesImage:
    """Draw an image in its own pixels, without axes."""
    drawn = axes.imshow(image, gid="image")
    frame(axes, (image.shape[0], image.shape[1]))
    return drawn
