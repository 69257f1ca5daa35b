"""The theoretical field: its box, and the part of it that lies in the image."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from erf.geometry import Box
from erf.theoretical import UnitTheory
from figures.frame import bare
from figures.photo import dimmed

THEORY_COLOR = "#56B4E9"

FARTHEST = 2.0
"""A box reaching beyond the image is shown up to this multiple of the image's size."""


def draw_theory(
    axes: Axes, image: UInt8[np.ndarray, "rows cols 3"], theory: UnitTheory | None
) -> None:
    """Dim the image but for the part a unit could hear; outline the whole box, padding included.

    The axes zoom out, keeping the image's shape, when the box reaches beyond the border.
    """
    rows, cols = image.shape[:2]
    axes.imshow(dimmed(image), gid="dimmed")
    bare(axes)
    axes.set_aspect("equal")
    if theory is None:
        zoom(axes, (rows, cols), Box.of_size((rows, cols)))
        return
    visible = theory.box.clip((rows, cols))
    if not visible.empty:
        axes.imshow(image[visible.slices()], extent=extent(visible), gid="visible")
        draw_box(axes, visible, linestyle="solid", gid="visible-box")
    outer = theory.unclipped or visible
    if outer != visible:
        draw_box(axes, outer, linestyle="dashed", gid="theory-box")
    zoom(axes, (rows, cols), outer)


def draw_box(axes: Axes, box: Box, *, linestyle: str, gid: str) -> Rectangle:
    """Outline ``box`` around its pixels."""
    drawn = Rectangle(
        (box.left - 0.5, box.top - 0.5),
        box.width,
        box.height,
        fill=False,
        edgecolor=THEORY_COLOR,
        linewidth=1.0,
        linestyle=linestyle,
        path_effects=[withStroke(linewidth=2.0, foreground="#00000088")],
        gid=gid,
    )
    axes.add_patch(drawn)
    return drawn


def extent(box: Box) -> tuple[float, float, float, float]:
    """Matplotlib's (left, right, bottom, top) of a box of pixels."""
    return box.left - 0.5, box.right - 0.5, box.bottom - 0.5, box.top - 0.5


def zoom(axes: Axes, image_size: tuple[int, int], box: Box) -> None:
    """Limits in the image's shape that hold the image and, up to ``FARTHEST``, all of ``box``."""
    rows, cols = image_size
    whole = Box.of_size(image_size).hull(box)
    factor = min(max(whole.height / rows, whole.width / cols), FARTHEST)
    if factor > 1:
        factor *= 1.03
    for length, (first, last), set_limits in (
        (cols, (whole.left, whole.right), axes.set_xlim),
        (rows, (whole.bottom, whole.top), axes.set_ylim),
    ):
        half = factor * length / 2
        # The middle of both, as long as the image stays in sight.
        middle = min(max((first + last) / 2, length - half), half) - 0.5
        sign = 1 if last > first else -1
        set_limits(middle - sign * half, middle + sign * half)
    axes.set_facecolor("#EEEEEE")
