"""What a unit's place in its layer does to its field: border against middle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from erf.errors import SettingError
from erf.measures import Field, measure
from erf.measures.conditions import Conditions, check_alike
from erf.results import LayerResult, UnitResult, each_of
from figures.naming import Measure, Several
from figures.registry import figure
from figures.style import Width, inches, styled

MOST_LAYERS = 6
"""In one figure, a row each."""


@dataclass(frozen=True)
class Placed:
    """A unit of a layer, over its photos.

    Attributes:
        unit: (row, col) in the layer.
        center: of the unit's theoretical field, (row, col), pixels.
        border: distance from there to the nearest border, pixels.
        sides: of the field on each photo, pixels.
        shift: (rows, cols) from the centre to the field's centroid, mean over photos, pixels.
    """

    unit: tuple[int, int]
    center: tuple[float, float]
    border: float
    sides: tuple[float, ...]
    shift: tuple[float, float]

    @property
    def side(self) -> float:
        """Geometric mean over photos."""
        return float(np.exp(np.mean(np.log(self.sides)))) if min(self.sides) > 0 else 0.0

    @property
    def interval(self) -> tuple[float, float] | None:
        """Student's, 95 %, over photos; None of a single one."""
        if len(self.sides) < 2 or min(self.sides) <= 0:
            return None
        logs = np.log(self.sides)
        width = float(stats.t.ppf(0.975, len(logs) - 1) * stats.sem(logs))
        return self.side * math.exp(-width), self.side * math.exp(width)


@figure("place", takes="results", width="page")
@styled
def place_figure(results: Several, *, by: Measure = measure, width: Width = "page") -> Figure:
    """Size and shift of the fields of a layer's units: a map, and a profile from the border.

    Args:
        results: of several units of a layer, on one or many photos of one size; of several layers
            or models, one row each.
        by: measures them.
        width: ``column``, ``page`` or inches.

    Raises:
        SettingError: when a layer has fewer than two units, was measured in two ways or on photos
            of other sizes, or when there are too many layers for one figure.
    """
    layers = layers_of(each_of(results, (UnitResult, LayerResult)))
    if len(layers) > MOST_LAYERS:
        raise SettingError(
            f"{len(layers)} layers ({', '.join(list(layers)[:MOST_LAYERS])}, ...) are more than "
            f"{MOST_LAYERS} in one figure: name fewer folders"
        )
    placed = {name: placed_units(name, some, by) for name, some in layers.items()}
    total = inches(width)
    figure = Figure(figsize=(total, 0.42 * total * len(layers)), layout="constrained")
    for row, (name, units) in zip(
        figure.subfigures(len(layers), 1, squeeze=False)[:, 0], placed.items(), strict=True
    ):
        left, right = row.subplots(1, 2, width_ratios=(1, 1.15))
        draw_places(left, units, layers[name][0].image_size)
        draw_border_profile(right, units)
        row.suptitle(_title(name, units), fontsize=8)
    return figure


def layers_of(results: Sequence[UnitResult]) -> dict[str, list[UnitResult]]:
    """Results by model and layer, in their order."""
    found: dict[str, list[UnitResult]] = {}
    for each in results:
        channel = "" if each.target.channel is None else f":{each.target.channel}"
        found.setdefault(f"{each.model_name} {each.target.layer}{channel}", []).append(each)
    return found


def _title(layer: str, placed: Sequence[Placed]) -> str:
    photos = max(len(each.sides) for each in placed)
    return f"{layer}, {len(placed)} units" + ("" if photos == 1 else f", {photos} photos")


def placed_units(layer: str, results: Sequence[UnitResult], by: Measure) -> list[Placed]:
    """Units of a layer with their sizes and shifts, row by row.

    Raises:
        SettingError: when there are fewer than two, photos differ in size, or results in how they
            were measured.
    """
    if len({each.image_size for each in results}) > 1:
        raise SettingError("photos of other sizes have other borders: scale them to one size")
    known = [(f"{layer} on {each.image_name}", Conditions.of_result(each)) for each in results]
    check_alike(known, mixed=False, told="choose results that agree")
    units: dict[tuple[int, int], dict[str, UnitResult]] = {}
    for index, each in enumerate(results):
        units.setdefault(each.unit, {})[each.photo_sha256 or f"{index}"] = each
    found = []
    for unit in sorted(units):
        measured = [by(each) for each in units[unit].values()]
        center = Field.of(next(iter(units[unit].values()))).center
        shifts = np.array([each.offset for each in measured])
        found.append(
            Placed(
                unit=unit,
                center=center,
                border=_border(center, results[0].image_size),
                sides=tuple(each.side for each in measured),
                shift=(_mean(shifts[:, 0]), _mean(shifts[:, 1])),
            )
        )
    if len(found) < 2:
        raise SettingError(
            f"{layer}: {len(found)} unit shows no difference of place; probe units such as grid:5"
        )
    return found


def _mean(values: np.ndarray) -> float:
    """Over photos on which the unit heard something; NaN where it did on none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


def _border(center: tuple[float, float], size: tuple[int, int]) -> float:
    row, col = center
    return max(0.0, min(row + 0.5, col + 0.5, size[0] - row - 0.5, size[1] - col - 0.5))


def draw_places(axes: Axes, placed: Sequence[Placed], size: tuple[int, int]) -> None:
    """Each unit where its theoretical field has its centre: colour its size, arrow its shift."""
    rows, cols = size
    row, col = np.array([each.center for each in placed]).T
    sides = np.array([each.side for each in placed])
    down, right = np.array([each.shift for each in placed]).T
    dots = axes.scatter(col, row, c=sides, s=60, cmap="viridis", zorder=2)
    axes.quiver(
        *(col, row, right, down), angles="xy", scale_units="xy", scale=1, width=0.007,
        color="#D55E00", zorder=3,
    )  # fmt: skip
    axes.set_xlim(-0.5, cols - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_xlabel("column, pixels")
    axes.set_ylabel("row, pixels")
    axes.set_title("side of the field; arrows: shift of its centroid")
    axes.figure.colorbar(dots, ax=axes, label="side of equal area, pixels", shrink=0.9)


def draw_border_profile(axes: Axes, placed: Sequence[Placed]) -> None:
    """Size and shift over the distance from the unit's centre to the nearest border."""
    ordered = sorted(placed, key=lambda each: each.border)
    border = [each.border for each in ordered]
    color = "#0072B2"
    axes.plot(border, [each.side for each in ordered], "o", color=color, label="side")
    for each in ordered:
        if each.interval is not None:
            axes.vlines(each.border, *each.interval, color=color, linewidth=2.0, alpha=0.35)
    shifts = [math.hypot(*each.shift) for each in ordered]
    axes.plot(border, shifts, "^", color="#D55E00", label="shift of the centroid")
    axes.set_xlabel("distance of the unit's centre to the border, pixels")
    axes.set_ylabel("pixels")
    axes.set_ylim(0, 1.3 * max(each.side for each in ordered))  # the legend stands above all
    axes.grid(axis="y")
    axes.legend(loc="upper left", ncols=2)
