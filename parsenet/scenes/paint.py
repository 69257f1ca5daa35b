"""Paint objects and cues onto a canvas, with antialiased edges, light from above and a shadow."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Float32

from parsenet.scenes.color import oklch
from parsenet.scenes.layout import HALO, Circle
from parsenet.scenes.shapes import SHAPE_DRAWINGS
from parsenet.scenes.spec import SHAPES

# Planes of red, green and blue: NumPy paints them in half the time that pixels of three need.
Canvas = Float32[np.ndarray, "3 rows cols"]
Plane = Float[np.ndarray, "rows cols"]
Column = Float32[np.ndarray, "rows 1"]
Row = Float32[np.ndarray, "1 cols"]
Window = tuple[slice, slice]
Cover = tuple[Window, Bool[np.ndarray, "window_rows window_cols"]]
Color = Float32[np.ndarray, "3 1 1"]
Colors = Float[np.ndarray, "3 rows cols"]

# One family of hues a shape, in degrees: which shape it is shall be easy to see.
HUES = {"leaf": 148.0, "star": 25.0, "ring": 285.0}
SHADOW = oklch(0.25, 0.03, 270)
SUN = oklch(0.87, 0.165, 88)
SUN_CORE = oklch(0.95, 0.09, 98)
NIGHT = oklch(0.36, 0.09, 272)
MOON = oklch(0.95, 0.03, 95)


def blend(canvas: Canvas, color: Color | Colors, cover: Plane) -> None:
    """Lay `color` over `canvas`, in place, where and as densely as `cover`, 0..1, says."""
    canvas += cover * (color - canvas)


def offsets(size: int, circle: Circle, margin: float) -> tuple[Window, Column, Row]:
    """Return a window around `circle`, and how far its rows and columns lie from the centre."""
    top, left, bottom, right = circle.box(size, margin=margin)
    rows = np.arange(top, bottom, dtype=np.float32) + np.float32(0.5 - circle.center[0])
    cols = np.arange(left, right, dtype=np.float32) + np.float32(0.5 - circle.center[1])
    return (slice(top, bottom), slice(left, right)), rows[:, None], cols[None]


def paint_object(random: np.random.Generator, canvas: Canvas, circle: Circle, shape: int) -> Cover:
    """Paint an object of random pose and colour; return a window and what it covers there."""
    size, radius = canvas.shape[1], np.float32(circle.radius)
    angle = np.float32(random.uniform(0, 2 * np.pi))
    hue = HUES[SHAPES[shape]] + random.uniform(-22, 22)
    color = oklch(random.uniform(0.58, 0.74), random.uniform(0.12, 0.16), hue)
    reach = 0.22 * circle.radius
    window, down, over = offsets(size, circle, margin=2 * reach)

    def outside(down: Column, over: Row) -> tuple[Plane, Plane]:
        along = (over * np.cos(angle) + down * np.sin(angle)) / radius
        across = (down * np.cos(angle) - over * np.sin(angle)) / radius
        drawing = SHAPE_DRAWINGS[shape](along, across)
        return drawing.outside * radius, drawing.tone

    shadow, _ = outside(down - np.float32(0.7 * reach), over - np.float32(0.4 * reach))
    softness = np.clip((np.float32(reach) - shadow) / np.float32(2 * reach), 0, 1)
    view = canvas[:, *window]
    blend(view, SHADOW, 0.42 * softness**2 * (3 - 2 * softness))
    distance, tone = outside(down, over)
    light = tone * (1 - np.float32(0.13) * (down + 0.5 * over) / radius)
    blend(view, light * color, np.clip(0.5 - distance, 0, 1))
    return window, distance < 0


def paint_cue(canvas: Canvas, halo: Circle, cue: int) -> Cover:
    """Paint the sun (0) or the moon (1) with its halo; return a window and its disc there."""
    size, radius = canvas.shape[1], np.float32(halo.radius / HALO)
    window, down, over = offsets(size, halo, margin=0.0)
    distance = np.hypot(down, over)
    disc = np.clip(0.5 + radius - distance, 0, 1)
    glow = np.clip((radius * np.float32(HALO) - distance) / (radius * np.float32(HALO - 1)), 0, 1)
    view = canvas[:, *window]
    if cue == 0:
        rays = 0.55 + 0.45 * np.cos(12 * np.arctan2(down, over))
        blend(view, SUN, 0.85 * glow * rays.astype(np.float32))
        blend(view, SUN, disc)
        blend(view, SUN_CORE, disc * np.clip(1 - distance / radius, 0, 1))
    else:
        blend(view, NIGHT, 0.5 * glow**2)
        blend(view, NIGHT, disc)
        bite = np.hypot(down + 0.25 * radius, over - 0.32 * radius)
        crescent = np.clip(0.5 + 0.74 * radius - distance, 0, 1)
        blend(view, MOON, crescent * np.clip(0.5 + bite - 0.6 * radius, 0, 1))
    return window, distance < radius
