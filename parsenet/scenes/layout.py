"""Where the cue and the objects lie: no overlap, and distances spread evenly over their range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from parsenet.errors import SceneError
from parsenet.scenes.spec import Extent, SceneSpec

CANDIDATES = 256
ATTEMPTS = 50
# How far a cue's halo reaches, in radii of the cue; nothing else lies within.
HALO = 1.5


@dataclass(frozen=True)
class Circle:
    """A place for one thing: its centre (row, col) and its radius, in pixels."""

    center: tuple[float, float]
    radius: float

    def box(self, size: int, *, margin: float = 0.0) -> Extent:
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
        radius = float(random.uniform(small, large))
        places = points(random, spec.size, radius)
        apart = np.hypot(*(places - cues).T)
        fits = (apart >= max(near, halo + radius)) & (apart <= far)
        if fits.any():
            best = nearest(apart, fits, random.uniform(near, far))
            cue, first = circle_at(cues[best], halo), circle_at(places[best], radius)
            return cue, fill(random, spec, cue, [first], wanted)
    raise SceneError(
        f"distance {spec.distance[0]:g} to {spec.distance[1]:g} finds no room in scenes of "
        f"{spec.size} pixels, where objects lie {halo + small:.0f} to {widest:.0f} from the cue"
    )


def fill(
    random: np.random.Generator, spec: SceneSpec, cue: Circle, objects: list[Circle], wanted: int
) -> list[Circle]:
    """Return `objects` with further ones, up to `wanted`, as far as they find room."""
    small, large = (share * spec.size for share in spec.object_radius)
    for _ in range(wanted - len(objects)):
        radius = float(random.uniform(small, large))
        places = points(random, spec.size, radius)
        apart = np.hypot(*(places - cue.center).T)
        fits = (apart >= spec.distance[0]) & (apart <= spec.distance[1])
        for other in [cue, *objects]:
            fits &= np.hypot(*(places - other.center).T) >= radius + other.radius
        if fits.any():
            target = random.uniform(apart[fits].min(), apart[fits].max())
            objects = [*objects, circle_at(places[nearest(apart, fits, target)], radius)]
    return objects


def nearest(
    apart: Float64[np.ndarray, "candidates"], fits: Bool[np.ndarray, "candidates"], target: float
) -> int:
    """Return the candidate that fits and whose distance to the cue comes nearest to `target`."""
    return int(np.argmin(np.where(fits, np.abs(apart - target), np.inf)))


def circle_at(center: Float64[np.ndarray, "2"], radius: float) -> Circle:
    """Return a circle of plain numbers."""
    return Circle((float(center[0]), float(center[1])), radius)
