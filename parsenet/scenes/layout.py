"""Where the cue and the objects lie: no overlap, and distances spread evenly over their range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from parsenet.scenes.spec import Box, SceneError, SceneSpec

CANDIDATES = 256
ATTEMPTS = 50
# How far a cue's halo reaches, in radii of the cue; nothing else lies within.
HALO = 1.5


@dataclass(frozen=True)
class Circle:
    """A place for one thing: its centre (row, col) and its radius, in pixels."""

    center: tuple[float, float]
    radius: float

    def box(self, size: int, *, margin: float = 0.0) -> Box:
        """Return the half-open box of pixels within `margin` of the circle, cut at the image."""
        reach = self.radius + margin
        (top, left), (bottom, right) = (
            [int(np.clip(edge, 0, size)) for edge in edges]
            for edges in (
                (np.floor(self.center[0] - reach), np.floor(self.center[1] - reach)),
                (np.ceil(self.center[0] + reach), np.ceil(self.center[1] + reach)),
            )
        )
        return top, left, bottom, right


def points(
    random: np.random.Generator, size: int, margin: float
) -> Float64[np.ndarray, "candidates 2"]:
    """Return candidate centres that stay `margin` pixels inside the image."""
    return random.uniform(margin, size - margin, (CANDIDATES, 2))


def place(random: np.random.Generator, spec: SceneSpec) -> tuple[Circle, list[Circle]]:
    """Return the cue's circle, halo included, and the objects' circles.

    Each object first draws the distance that it would like, evenly over the range that the image
    allows, and then takes the free candidate that comes nearest to it. Raises `SceneError` where
    the spec leaves no room for a single object.
    """
    small, large = (share * spec.size for share in spec.object_radius)
    halo = HALO * spec.cue_radius * spec.size
    wanted = int(random.integers(spec.objects[0], spec.objects[1], endpoint=True))
    widest = np.sqrt(2) * (spec.size - halo - small)
    near, far = max(spec.distance[0], halo + small), min(spec.distance[1], widest)
    for _ in range(ATTEMPTS if near <= far else 0):
        cues = points(random, spec.size, halo)
        radius = random.uniform(small, large)
        places = points(random, spec.size, radius)
        apart = np.hypot(*(places - cues).T)
        fits = (apart >= max(spec.distance[0], halo + radius)) & (apart <= spec.distance[1])
        if fits.any():
            best = np.argmin(np.where(fits, np.abs(apart - random.uniform(near, far)), np.inf))
            cue = Circle(tuple(cues[best]), halo)
            first = Circle(tuple(places[best]), radius)
            return cue, fill(random, spec, cue, [first], wanted)
    raise SceneError(
        f"size {spec.size} leaves no room for an object at a distance of "
        f"{spec.distance[0]:g} to {spec.distance[1]:g} pixels: the range is {near:.0f} to {widest:.0f}"
    )


def fill(
    random: np.random.Generator, spec: SceneSpec, cue: Circle, objects: list[Circle], wanted: int
) -> list[Circle]:
    """Return `objects` with further ones, up to `wanted`, as far as they find room."""
    small, large = (share * spec.size for share in spec.object_radius)
    for _ in range(wanted - len(objects)):
        radius = random.uniform(small, large)
        places = points(random, spec.size, radius)
        apart = np.hypot(*(places - cue.center).T)
        fits = (apart >= spec.distance[0]) & (apart <= spec.distance[1])
        for other in [cue, *objects]:
            fits &= np.hypot(*(places - other.center).T) >= radius + other.radius
        if fits.any():
            target = random.uniform(apart[fits].min(), apart[fits].max())
            best = np.argmin(np.where(fits, np.abs(apart - target), np.inf))
            objects = [*objects, Circle(tuple(places[best]), radius)]
    return objects
