"""Stimuli: what is done to the pixels of a patch.

A stimulus is a function ``(canvas, box, rng) -> change``: what it adds to the image inside the box.
One's own is given to a probe as it is, or registered by one line above it: ``@stimulus("name")``.

The randomness of (image, patch, draw) is a pure function of the seed and those indices, so neither
batch size, order, number of workers nor an interruption can change a result.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float32
from scipy import ndimage

from erf.errors import SettingError
from erf.geometry import Box, PatchGrid
from erf.registry import Registry

Pixels = Float32[np.ndarray, "channels rows cols"]


@dataclass(frozen=True)
class Canvas:
    """The image a stimulus works on, in the model's input space.

    Attributes:
        image: the clean image.
        sigma: strength of additive noise, a channel.
        other: another image of the same size, for the ``other`` stimulus.
        blur: standard deviation of the ``blur`` stimulus, pixels.
    """

    image: Pixels
    sigma: Float32[np.ndarray, "channels 1 1"]
    other: Pixels | None = None
    blur: float = 8.0

    def pixels(self, box: Box) -> Pixels:
        """The clean pixels in a box."""
        return self.image[:, *box.slices()]

    @cached_property
    def mean(self) -> Float32[np.ndarray, "channels 1 1"]:
        """Mean colour of the image."""
        return self.image.mean(axis=(1, 2), keepdims=True)

    @cached_property
    def range(
        self,
    ) -> tuple[Float32[np.ndarray, "channels 1 1"], Float32[np.ndarray, "channels 1 1"]]:
        """Smallest and largest value of each channel of the image."""
        return (
            self.image.min(axis=(1, 2), keepdims=True),
            self.image.max(axis=(1, 2), keepdims=True),
        )

    @cached_property
    def blurred(self) -> Pixels:
        """The image after a Gaussian blur."""
        return ndimage.gaussian_filter(self.image, (0, self.blur, self.blur))


Stimulus = Callable[[Canvas, Box, np.random.Generator], Pixels]
STIMULI = Registry[Stimulus]("stimulus")


def stimulus(name: str) -> Callable[[Stimulus], Stimulus]:
    """Register the decorated function as the stimulus ``name``.

    Example:
        >>> @stimulus("negative")
        ... def negative(canvas, box, rng):
        ...     return -2 * canvas.pixels(box)
        >>> find_stimulus("negative") is negative
        True
        >>> STIMULI.remove("negative")
    """
    return STIMULI.entering(name)


def find_stimulus(name: str) -> Stimulus:
    """The registered stimulus of this name.

    Raises:
        SettingError: when there is none.
    """
    return STIMULI.find(name)


def hash_source(function: Callable[..., object]) -> str:
    """SHA-256 of a function's source, or of its compiled code where there is no source."""
    try:
        text = inspect.getsource(function).encode()
    except (OSError, TypeError):
        code = getattr(function, "__code__", None)
        text = (
            repr(function).encode()
            if code is None
            else code.co_code + repr(code.co_consts).encode()
        )
    return hashlib.sha256(text).hexdigest()


def generator(seed: int, *, image: int, patch: int, draw: int) -> np.random.Generator:
    """Random numbers of one (image, patch, draw): a counter-based stream of their own.

    Philox (Salmon et al. 2011) turns key and counter into random bits; the three indices fill the
    counter's upper words, the lowest word counts along the stream.
    """
    return np.random.Generator(np.random.Philox(key=seed, counter=[0, draw, patch, image]))


def change_patches(
    name: str | Stimulus,
    canvas: Canvas,
    grid: PatchGrid,
    *,
    patches: np.ndarray,
    draws: np.ndarray,
    seed: int,
    image: int,
) -> Float32[np.ndarray, "n channels patch patch"]:
    """What the stimulus adds to the image in each (patch, draw).

    Raises:
        SettingError: when there is no such stimulus, or it returns another shape or what is not
            finite.
    """
    function = find_stimulus(name) if isinstance(name, str) else name
    boxes = [grid.box(int(patch)) for patch in patches]
    changes = [
        np.asarray(function(canvas, box, generator(seed, image=image, patch=patch, draw=draw)))
        for box, patch, draw in zip(boxes, patches.tolist(), draws.tolist(), strict=True)
    ]
    wanted = (len(canvas.image), grid.patch, grid.patch)
    for change in changes:
        if change.shape != wanted or not np.isfinite(change).all():
            what = (
                f"shape {change.shape}" if change.shape != wanted else "values that are not finite"
            )
            raise SettingError(
                f"stimulus {getattr(function, '__name__', name)!r} returned {what}; it must return "
                f"what it adds to a patch, finite and of shape {wanted}"
            )
    return np.stack(changes).astype(np.float32, copy=False)


@stimulus("gaussian")
def gaussian(canvas: Canvas, box: Box, rng: np.random.Generator) -> Pixels:
    """Additive Gaussian noise of standard deviation ``sigma``."""
    return rng.standard_normal(canvas.pixels(box).shape, dtype=np.float32) * canvas.sigma


@stimulus("uniform")
def uniform(canvas: Canvas, box: Box, rng: np.random.Generator) -> Pixels:
    """Additive uniform noise of standard deviation ``sigma`` (half-width √3 sigma)."""
    noise = rng.random(canvas.pixels(box).shape, dtype=np.float32) * 2 - 1
    return noise * np.float32(3**0.5) * canvas.sigma


@stimulus("replace")
def replace(canvas: Canvas, box: Box, rng: np.random.Generator) -> Pixels:
    """Pixels replaced by uniform random ones within each channel's range in the image.

    The random occluder of Zhou et al. 2015, whose law the paper does not state.
    """
    low, high = canvas.range
    pixels = canvas.pixels(box)
    return low + rng.random(pixels.shape, dtype=np.float32) * (high - low) - pixels


@stimulus("constant")
def constant(canvas: Canvas, box: Box, rng: np.random.Generator) -> Pixels:
    """Pixels replaced by zero of the input space: the data set's mean where inputs are centred."""
    return -canvas.pixels(box)


@stimulus("mean")
def mean(canvas: Canvas, box: Box, rng: np.random.Generator) -> Pixels:
    """Pixels replaced by the image's mean colour."""
    return canvas.mean - canvas.pixels(box)


@stimulus("blur")
def blur(canvas: Canvas, box: Box, rng: np.random.Generator) -> Pixels:
    """Pixels replaced by those of the blurred image."""
    return canvas.blurred[:, *box.slices()] - canvas.pixels(box)


@stimulus("shuffle")
def shuffle(canvas: Canvas, box: Box, rng: np.random.Generator) -> Pixels:
    """Pixels (whole colours) shuffled within the patch: colours stay, structure goes."""
    pixels = canvas.pixels(box)
    flat = pixels.reshape(len(pixels), -1)
    return rng.permutation(flat, axis=1).reshape(pixels.shape) - pixels


@stimulus("other")
def other(canvas: Canvas, box: Box, rng: np.random.Generator) -> Pixels:
    """Pixels replaced by those of another image at the same place."""
    if canvas.other is None:
        raise SettingError("stimulus 'other' needs another image of the same size")
    return canvas.other[:, *box.slices()] - canvas.pixels(box)


STIMULI.seal()
