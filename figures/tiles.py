"""How far tiles are from the whole image, by the margin that is dropped, and what it costs."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from erf.tiles import EnoughMargin, MarginCurves
from figures.style import Width, inches, styled

WORST, TYPICAL, FLIPS, COST = "#D55E00", "#0072B2", "#009E73", "0.35"
LEAST = 1e-6
"""Of what is drawn: single precision rounds there."""


@styled
def margin_figure(curves: MarginCurves, enough: EnoughMargin, *, width: Width = "column") -> Figure:
    """What is left over the margin, one thin line a photo; below, the pixels that it costs.

    Args:
        curves: of `erf.margin_curves`.
        enough: of `erf.enough_margin`; its tolerance and its margin are marked.
        width: ``column``, ``page`` or inches.

    Raises:
        SettingError: when ``width`` is out of range.
    """
    figure = Figure(figsize=(inches(width), 3.3), layout="constrained")
    top, bottom = figure.subplots(2, sharex=True, height_ratios=(2.2, 1))
    draw_margins(top, curves, enough)
    bottom.step(curves.margins, 1 + curves.overhead, where="pre", color=COST)
    _draw_marks(bottom, curves, enough)
    bottom.set_ylim(0, 1.1 * (1 + _most(curves)))
    bottom.set_ylabel("pixels computed\n/ of the image")
    bottom.set_xlabel("margin dropped of a tile, pixels")
    bottom.set_xlim(0, _last(curves))
    bottom.grid(axis="y")
    return figure


def draw_margins(axes: Axes, curves: MarginCurves, enough: EnoughMargin) -> None:
    """The largest and the typical change of units that are kept; or the labels that flip."""
    drawn = [
        (curves.of("change"), WORST, "worst unit"),
        (curves.typical, TYPICAL, "root mean square"),
    ]
    if enough.criterion == "flips":
        drawn = [(curves.of("flips"), FLIPS, "labels that flip")]
    for values, color, label in drawn:
        seen = np.where(values > 0, values, LEAST / 100)
        axes.plot(curves.margins, seen.T, color=color, linewidth=0.7, alpha=0.6)
        axes.plot([], [], color=color, label=label)
    axes.axhline(enough.tolerance, color="0.5", linewidth=0.8, linestyle=":", label="tolerance")
    _draw_marks(axes, curves, enough)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    shown = np.concatenate([values[values > LEAST] for values, _, _ in drawn])
    low, high = shown.min(initial=enough.tolerance), shown.max(initial=enough.tolerance)
    axes.set_ylim(low / 2, 2 * high)
    flips = enough.criterion == "flips"
    axes.set_ylabel("share of labels" if flips else "change / spread of the layer")
    place, letters = (0.0, 1.0), "small"
    axes.legend(loc="lower left", bbox_to_anchor=place, ncols=2, fontsize=letters, handlelength=1.5)


def _draw_marks(axes: Axes, curves: MarginCurves, enough: EnoughMargin) -> None:
    """Upright lines at the margin that is enough and at theory's."""
    if enough.margin is not None:
        label = f"enough: {enough.margin:g} px"
        axes.axvline(enough.margin, color="0.2", linewidth=0.9, label=label)
    if curves.theory is not None and curves.theory <= curves.margins[-1]:
        label = f"theory: {curves.theory:g} px"
        axes.axvline(curves.theory, color="black", linewidth=0.9, linestyle="--", label=label)


def _last(curves: MarginCurves) -> float:
    """The largest margin of interest: a little beyond theory's, or all that were measured."""
    last = float(curves.margins[-1])
    return last if curves.theory is None else min(last, 1.15 * curves.theory + 1)


def _most(curves: MarginCurves) -> float:
    """The largest overhead that is drawn."""
    drawn = curves.overhead[(curves.margins <= _last(curves)) & np.isfinite(curves.overhead)]
    return float(drawn.max(initial=0))
