"""A bar of a round number of pixels, for images without axes."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke


def round_length(longest: float) -> int:
    """The largest of 1, 2, 5, 10, 20, 50 ... that is at most ``longest``; at least 1."""
    if longest < 1:
        return 1
    decade = 10 ** math.floor(math.log10(longest))
    return int(max(step * decade for step in (1, 2, 5) if step * decade <= longest))


def draw_scale_bar(axes: Axes, image_size: tuple[int, int], *, longest: float = 0.3) -> int:
    """Draw a white bar at the bottom right and write its length above it.

    Args:
        axes: in pixels of the image.
        image_size: (rows, cols) of the image.
        longest: at most this share of the image's width.

    Returns:
        The bar's length in pixels.
    """
    rows, cols = image_size
    length = round_length(longest * cols)
    right, bottom = cols - 0.5 - 0.04 * cols, rows - 0.5 - 0.04 * cols
    halo = [withStroke(linewidth=3, foreground="#000000aa")]
    axes.plot(
        [right - length, right],
        [bottom, bottom],
        color="white",
        linewidth=1.8,
        solid_capstyle="butt",
        path_effects=halo,
        gid="scale-bar",
    )
    axes.annotate(
        f"{length} px",
        (right - length / 2, bottom),
        xytext=(0, 2.5),
        textcoords="offset points",
        ha="center",
        va="bottom",
        color="white",
        fontsize=6,
        path_effects=[withStroke(linewidth=1.5, foreground="#000000aa")],
        gid="scale-bar",
    )
    return length
