"""What a scene is asked to be, and what it is: plain frozen data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from parsenet.errors import SceneError

# Half-open (top, left, bottom, right) in pixels.
Extent = tuple[int, int, int, int]

CUES = ("sun", "moon")
SHAPES = ("leaf", "star", "ring")
CLASSES = (
    "background",
    "sun",
    "moon",
    "day leaf",
    "night leaf",
    "day star",
    "night star",
    "day ring",
    "night ring",
)


def object_class(shape: int, cue: int) -> int:
    """Return the class of an object of `shape` (an index of `SHAPES`) in a scene with `cue`."""
    return 1 + len(CUES) + len(CUES) * shape + cue


OBJECT_CLASSES = tuple(range(object_class(0, 0), len(CLASSES)))


@dataclass(frozen=True)
class SceneSpec:
    """A family of scenes; a scene of it is a pure function of this and of its index.

    `size` is the side of the square image in pixels. `distance` bounds the distance between the
    centres of an object and of the cue, in pixels. `object_radius` (a range) and `cue_radius` are
    shares of the side, so that scenes of all sizes look alike. `objects` is the range of the
    number of objects: fewer are drawn, but never none, where no more find room. `cue` forces
    ``"sun"`` or ``"moon"``; by default each scene draws its own, with even odds. Forcing it changes
    nothing but the cue itself and the classes that it decides.
    """

    seed: int = 0
    size: int = 384
    distance: tuple[float, float] = (0.0, float("inf"))
    objects: tuple[int, int] = (3, 6)
    object_radius: tuple[float, float] = (0.07, 0.095)
    cue_radius: float = 0.06
    cue: str | None = None

    def __post_init__(self) -> None:
        near, far = self.distance
        fewest, most = self.objects
        small, large = self.object_radius
        if not 0 <= self.seed < 2**64:
            raise SceneError(f"seed {self.seed} is outside 0 to 2**64 - 1")
        if not 64 <= self.size <= 4096:
            raise SceneError(f"size {self.size} is no side of a scene, 64 to 4096 pixels")
        if not 0 <= near <= far:
            raise SceneError(f"distance {near:g} to {far:g} is not a range of pixels")
        if not 1 <= fewest <= most:
            raise SceneError(f"objects {fewest} to {most} is not a range of at least one object")
        if not 0 < small <= large <= 0.25:
            raise SceneError(f"object_radius {small:g} to {large:g} is outside 0 to 0.25")
        if not 0 < self.cue_radius <= 0.25:
            raise SceneError(f"cue_radius {self.cue_radius:g} is outside 0 to 0.25")
        if self.cue is not None and self.cue not in CUES:
            raise SceneError(f"cue {self.cue!r} is none of {', '.join(CUES)}")


@dataclass(frozen=True)
class Thing:
    """One object, or the cue.

    `center` is (row, col) in pixels, where the first pixel's centre is at 0.5. `box` is the
    half-open (top, left, bottom, right) of its labelled pixels. `cue_distance` is the distance
    from `center` to the cue's centre in pixels: 0 for the cue itself.
    """

    label: int
    center: tuple[float, float]
    radius: float
    box: Extent
    cue_distance: float


@dataclass(frozen=True)
class Scene:
    """An image in RGB, its labels (indices of `CLASSES`), and where everything is.

    `cue_extent` is the half-open box beyond which no pixel depends on which cue it is.
    """

    image: UInt8[np.ndarray, "height width 3"]
    label: UInt8[np.ndarray, "height width"]
    objects: tuple[Thing, ...]
    cue: Thing
    cue_extent: Extent
