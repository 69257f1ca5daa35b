"""How far tiles are from the whole image, by the margin that is dropped, and what it costs."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from erf.errors import TilingError
from erf.tiles import MarginCurves
from figures.style import Width, inches, styled

WORST, TYPICAL, COST = "#D55E00", "#0072B2", "0.35"


@styled
def margin_figure(
    curves: MarginCurves, tolerance: float = 0.01, *, width: Width = "column"
) -> Figure:
    """Change of kept units over the margin, one thin line a photo; below, the pixels it costs.

    Args:
        curves: of `erf.margin_curves`.
        tolerance: marked, with the margin that is enough for every photo.
        width: ``column``, ``page`` or inches.

    Raises:
        SettingError: when ``width`` is out of range, or the tolerance is not above 0.
    """
    figure = Figure(figsize=(inches(width), 3.3), layout="constrained")
    top, bottom = figure.subplots(2, sharex=True, height_ratios=(2.2, 1))
    draw_margins(top, curves, tolerance)
    bottom.plot(curves.margins, 1 + curves.overhead, color=COST)
    bottom.set_yscale("log", base=2)
    bottom.yaxis.set_major_formatter("{x:g}")
    bottom.set_ylim(1, 2 ** math.ceil(math.log2(2 + _most(curves))))
    bottom.set_ylabel("pixels computed\n/ pixels of image")
    bottom.set_xlabel("margin dropped of a tile, pixels")
    bottom.set_xlim(0, _last(curves))
    bottom.grid(axis="y")
    return figure


def draw_margins(axes: Axes, curves: MarginCurves, tolerance: float) -> None:
    """The largest and the typical change of units that are kept, over the layer's spread."""
    for values, color, label in (
        (curves.worst, WORST, "worst unit"),
        (curves.typical, TYPICAL, "root mean square"),
    ):
        axes.plot(curves.margins, values.T, color=color, linewidth=0.7, alpha=0.6)
        axes.plot([], [], color=color, label=label)
    axes.axhline(tolerance, color="0.5", linewidth=0.8, linestyle=":", label="tolerance")
    if curves.theory is not None and curves.theory <= curves.margins[-1]:
        axes.axvline(curves.theory, color="black", linewidth=0.9, linestyle="--", label="theory")
    try:
        enough = curves.enough(tolerance).margin
        axes.axvline(enough, color=WORST, linewidth=0.9, label=f"enough: {enough:g} px")
    except TilingError:
        pass
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    shown = curves.typical[(curves.typical > 0) & (curves.margins <= _last(curves))]
    axes.set_ylim(max(shown.min(initial=1), 1e-8) / 2, 2 * np.max(curves.worst))
    axes.set_ylabel("change / spread of the layer")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, fontsize="small")


def _last(curves: MarginCurves) -> float:
    """The largest margin of interest: a little beyond theory's, or all that were measured."""
    last = float(curves.margins[-1])
    return last if curves.theory is None else min(last, 1.15 * curves.theory + 1)


def _most(curves: MarginCurves) -> float:
    """The largest overhead that is drawn."""
    drawn = curves.overhead[(curves.margins <= _last(curves)) & np.isfinite(curves.overhead)]
    return float(drawn.max(initial=0))
