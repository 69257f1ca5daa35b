"""Axes that hold an image: its pixels as coordinates, nothing around it."""

from __future__ import annotations

from matplotlib.axes import Axes


def frame(axes: Axes, image_size: tuple[float, float]) -> None:
    """Limits of the image, row 0 on top, no ticks."""
    rows, cols = image_size
    axes.set_xlim(-0.5, cols - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_aspect("equal")
    bare(axes)


def bare(axes: Axes) -> None:
    """No ticks and no spines."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def align_ends(axes: Axes) -> None:
    """Keep the first and the last label of a horizontal bar within the bar."""
    axes.tick_params(length=1.5, pad=1)
    labels = axes.get_xticklabels()
    labels[0].set_horizontalalignment("left")
    labels[-1].set_horizontalalignment("right")
