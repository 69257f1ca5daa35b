"""Size of the field over the depth of a network: theoretical against empirical."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from erf.errors import SettingError
from erf.measures import Measurement, measure
from erf.results import LayerResult, UnitResult, each_of
from figures.lettering import shorten
from figures.naming import Measure, Several
from figures.registry import figure
from figures.style import Width, inches, styled


@figure("depth", takes="results", width="column")
@styled
def depth_figure(
    results: Several,
    *,
    by: Measure = measure,
    width: Width = "column",
) -> Figure:
    """Theoretical and empirical size of the layers of one network, in the order given.

    Args:
        results: of one unit each, first layer first.
        by: measures them.
        width: ``column``, ``page`` or inches.

    Raises:
        SettingError: with fewer than two layers, or when ``width`` is out of range.
    """
    layers = each_of(results, (UnitResult, LayerResult))
    if len(layers) < 2:
        raise SettingError(f"{len(layers)} result shows no depth; give at least 2 layers")
    total = inches(width)
    figure = Figure(figsize=(total, 2.5), layout="constrained")
    draw_depth(figure.add_subplot(), layers, [by(each) for each in layers])
    return figure


def draw_depth(
    axes: Axes, results: Sequence[UnitResult], measurements: Sequence[Measurement]
) -> None:
    """Sides of squares of equal area, pixels: theory whole, theory in the image, empirical."""
    places = np.arange(len(results))
    whole = [theoretical_side(result) for result in results]
    visible = [
        math.sqrt(result.theory.box.area) if result.theory is not None else math.nan
        for result in results
    ]
    sides = np.array([measurement.side for measurement in measurements])
    axes.plot(places, whole, "s--", color="#56B4E9", label="theoretical")
    axes.plot(places, visible, "s:", color="#0072B2", label="theoretical, inside the image")
    axes.plot(places, sides, "o-", color="#D55E00", label="empirical")
    for place, measurement in zip(places, measurements, strict=True):
        interval = measurement.interval("side")
        if interval is not None:
            axes.vlines(place, *interval, color="#D55E00", linewidth=2.4, alpha=0.4)
    rows, cols = results[0].grid.image_size
    axes.axhline(math.sqrt(rows * cols), color="0.6", linewidth=0.8, label="image")
    names = [shorten(result.target.layer, 0.9, 6) for result in results]
    axes.set_xticks(places, names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_ylabel("side of equal area, pixels")
    axes.set_ylim(0, None)
    axes.set_xlim(-0.3, len(results) - 0.7)
    axes.grid(axis="y")
    axes.legend(loc="upper left")


def theoretical_side(result: UnitResult) -> float:
    """Side of the square as large as the theoretical field, padding included; NaN if unknown."""
    theory = result.theory
    if theory is None or theory.status == "unknown":
        return math.nan
    if theory.size is not None:
        return math.sqrt(theory.size[0] * theory.size[1])
    return math.sqrt((theory.unclipped or theory.box).area)
