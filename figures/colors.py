"""Colours of classes."""

from __future__ import annotations

import colorsys

import numpy as np
from jaxtyping import UInt8

# Paul Tol's "muted" scheme, made for colour-blind readers, after a dark background.
_MUTED = [
    "333333",
    "CC6677",
    "332288",
    "DDCC77",
    "117733",
    "88CCEE",
    "882255",
    "44AA99",
    "999933",
    "AA4499",
    "BBBBBB",
]


def class_colors(
    count: int, own: UInt8[np.ndarray, "count 3"] | None = None
) -> UInt8[np.ndarray, "count 3"]:
    """A colour for each of ``count`` classes, the background first: the data set's ``own``, if any.

    Up to eleven can be told apart by everybody; further ones repeat the hues, lighter each time.
    """
    if own is not None:
        return own
    base = np.array([[int(color[i : i + 2], 16) for i in (0, 2, 4)] for color in _MUTED])
    colors = []
    for index in range(count):
        turn, place = divmod(index, len(base))
        hue, light, full = colorsys.rgb_to_hls(*(base[place] / 255))
        lighter = light + (1 - light) * min(0.35 * turn, 0.85)
        colors.append(colorsys.hls_to_rgb(hue, lighter, full))
    return np.rint(255 * np.array(colors).reshape(count, 3)).astype(np.uint8)
