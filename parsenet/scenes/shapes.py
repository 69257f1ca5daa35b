"""The outlines and shadings of objects and cues, on coordinates where their radius is 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Plane = Float[np.ndarray, "rows cols"]


@dataclass(frozen=True)
class Drawing:
    """A shape on a window of pixels.

    `outside` is the signed distance to the outline in units of the radius, negative inside (a
    lower bound of it beyond corners). `tone` multiplies the object's colour.
    """

    outside: Plane
    tone: Plane


def leaf(along: Plane, across: Plane) -> Drawing:
    """Draw two arcs that meet in points, with a midrib and slanting veins."""
    half_width = 0.62
    arc = (1 + half_width**2) / (2 * half_width)
    side = np.abs(across)
    outside = np.hypot(along, side + (arc - half_width)) - arc
    rib = np.clip(1.5 - 26 * side, 0, 1)
    veins = np.clip(2 * np.cos(17 * (along - 0.75 * side)) - 1.15, 0, 1)
    return Drawing(outside, 1 - 0.1 * (across > 0) + 0.3 * np.maximum(rib, 0.75 * veins))


def star(along: Plane, across: Plane) -> Drawing:
    """Draw a five-pointed star whose points have a light and a dark facet."""
    inner = 0.52
    fifth = 2 * np.pi / 5
    angle = np.arctan2(across, along)
    within = angle - fifth * np.round(angle / fifth)
    reach = np.hypot(along, across)
    x, y = reach * np.cos(within), reach * np.abs(np.sin(within))
    # The edge from the tip (1, 0) to the notch (notch_x, notch_y); its normal points outwards.
    notch_x, notch_y = inner * np.cos(fifth / 2), inner * np.sin(fifth / 2)
    length = np.hypot(1 - notch_x, notch_y)
    outside = ((x - 1) * notch_y + y * (1 - notch_x)) / length
    facet = np.clip(within * reach * 14, -1, 1)
    return Drawing(outside, 1 + 0.16 * facet)


def ring(along: Plane, across: Plane) -> Drawing:
    """Draw a thick band, rounded across, with beads of two tones around."""
    middle, half_width = 0.69, 0.31
    reach = np.hypot(along, across)
    bump = 1 - ((reach - middle) / half_width) ** 2
    beads = np.clip(4 * np.cos(8 * np.arctan2(across, along)), -1, 1)
    return Drawing(
        np.abs(reach - middle) - half_width, 0.86 + 0.16 * np.clip(bump, 0, 1) + 0.1 * beads
    )


SHAPE_DRAWINGS = (leaf, star, ring)
