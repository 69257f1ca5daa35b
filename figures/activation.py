"""The clean response of a layer, and the unit that is watched."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patheffects import withStroke

from figures.frame import align_ends, bare

UNIT_COLOR = "#E69F00"


def draw_activation(
    axes: Axes,
    activation: Float32[np.ndarray, "unit_rows unit_cols"],
    unit: tuple[int, int] | None = None,
) -> AxesImage:
    """Draw a layer's response, one cell a unit, stretched to the panel; ring ``unit``."""
    drawn = axes.imshow(activation, cmap="cividis", aspect="auto", gid="activation")
    bare(axes)
    if unit is not None:
        draw_unit(axes, unit)
    return drawn


def draw_unit(axes: Axes, place: tuple[float, float], *, radius: float = 3.5) -> None:
    """A ring around ``place`` (row, col), in the coordinates of ``axes``; radius in points."""
    axes.plot(
        [place[1]],
        [place[0]],
        marker="o",
        markersize=2 * radius,
        markerfacecolor="none",
        markeredgecolor=UNIT_COLOR,
        markeredgewidth=1.3,
        linestyle="none",
        path_effects=[withStroke(linewidth=2.6, foreground="#000000aa")],
        gid="unit",
    )


def draw_value_bar(strip: Axes, drawn: AxesImage) -> None:
    """A horizontal colour bar with the smallest and the largest value."""
    figure = strip.figure
    assert isinstance(figure, Figure)
    low, high = drawn.get_clim()
    bar = figure.colorbar(drawn, cax=strip, orientation="horizontal", ticks=[low, high])
    bar.ax.minorticks_off()
    bar.ax.set_xticklabels([f"{low:.3g}", f"{high:.3g}"])
    align_ends(bar.ax)
