"""Draw a scene: a background, objects that do not tell their class, and the cue that does."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, UInt8

from parsenet.scenes.background import background
from parsenet.scenes.layout import HALO, Circle, place
from parsenet.scenes.paint import Cover, paint_cue, paint_object
from parsenet.scenes.spec import CUES, SHAPES, Extent, Scene, SceneSpec, Thing, object_class


def render(spec: SceneSpec, index: int) -> Scene:
    """Return the scene of `spec` at `index`, a pure function of the two.

    Objects of one shape look alike under both cues: a class is a shape and a cue together. The
    random numbers come from Philox, a counter-based generator, keyed by seed and index.
    """
    random = np.random.Generator(np.random.Philox(key=spec.seed + (index << 64)))
    drawn = int(random.integers(len(CUES)))
    cue = drawn if spec.cue is None else CUES.index(spec.cue)
    cue_circle, object_circles = place(random, spec)
    canvas = background(random, spec.size)
    label = np.zeros((spec.size, spec.size), np.uint8)
    objects = []
    for circle in object_circles:
        shape = int(random.integers(len(SHAPES)))
        cover = paint_object(random, canvas, circle, shape)
        box = fill_label(label, cover, object_class(shape, cue))
        objects.append(thing(object_class(shape, cue), box, circle, cue_circle))
    box = fill_label(label, paint_cue(canvas, cue_circle, cue), 1 + cue)
    disc = Circle(cue_circle.center, cue_circle.radius / HALO)
    return Scene(
        image=to_bytes(canvas),
        label=label,
        objects=tuple(objects),
        cue=thing(1 + cue, box, disc, cue_circle),
        cue_extent=cue_circle.box(spec.size),
    )


def fill_label(label: UInt8[np.ndarray, "size size"], cover: Cover, value: int) -> Extent:
    """Write `value` where `cover` says, in place, and return the covered pixels' box."""
    (down, over), covered = cover
    label[down, over][covered] = value
    rows = down.start + np.flatnonzero(covered.any(axis=1))
    cols = over.start + np.flatnonzero(covered.any(axis=0))
    return int(rows[0]), int(cols[0]), int(rows[-1]) + 1, int(cols[-1]) + 1


def thing(label: int, box: Extent, circle: Circle, cue: Circle) -> Thing:
    """Return the record of what lies in `circle`, with its distance to the cue."""
    return Thing(
        label=label,
        center=circle.center,
        radius=circle.radius,
        box=box,
        cue_distance=float(np.hypot(*np.subtract(circle.center, cue.center))),
    )


def to_bytes(canvas: Float32[np.ndarray, "3 size size"]) -> UInt8[np.ndarray, "size size 3"]:
    """Return the canvas, 0..1, as an image in 0..255."""
    return np.stack(list(np.clip(255 * canvas + 0.5, 0, 255).astype(np.uint8)), axis=-1)
