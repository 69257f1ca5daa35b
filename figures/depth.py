"""Size of the field over the depth of networks: theoretical against empirical."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from erf.errors import SettingError
from erf.measures import Field, Measurement, measure, typical
from erf.results import LayerResult, UnitResult, each_of
from figures.lettering import shorten
from figures.naming import Measure, Several, asked_unit
from figures.registry import figure
from figures.style import Width, inches, styled

COLORS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's, made for colour-blind readers; one a model."""


@dataclass(frozen=True)
class Stage:
    """A layer of a model, over its photos.

    Attributes:
        model, layer: their names.
        whole: side of the theoretical field, padding included, pixels; NaN if unknown.
        visible: of its part inside the image, mean over units.
        side: of the empirical field.
        interval: of that; None where nothing is known of the spread.
        images: photos that it is over.
        image_side: of the photos.
    """

    model: str
    layer: str
    whole: float
    visible: float
    side: float
    interval: tuple[float, float] | None
    images: int
    image_side: float

    @classmethod
    def of(cls, results: Sequence[UnitResult], by: Measure) -> Stage:
        """Of the results of one layer of one model, on one or many photos."""
        first = results[0]
        found = by(first)
        side, interval = found.side, found.interval("side")
        if len(results) > 1:
            over = typical([Field.of(each) for each in results], found.criterion)
            side = math.sqrt(over.area)
            known = not math.isnan(over.low)
            interval = (math.sqrt(over.low), math.sqrt(over.high)) if known else None
        boxes = [each.theory.box.area if each.theory else math.nan for each in results]
        return cls(
            model=first.model_name,
            layer=first.target.layer,
            whole=theoretical_side(first),
            visible=float(np.mean(np.sqrt(boxes))),
            side=side,
            interval=interval,
            images=len({each.photo_sha256 for each in results}),
            image_side=math.sqrt(first.image_size[0] * first.image_size[1]),
        )


@figure("depth", takes="results", width="column")
@styled
def depth_figure(
    results: Several,
    *,
    by: Measure = measure,
    width: Width = "column",
) -> Figure:
    """Theoretical and empirical size of the layers of one network or several, in the order given.

    Results of one layer on many photos are one point, with its interval over photos; units of one
    photo count once. Models are lines.

    Args:
        results: of one unit each, first layer first.
        by: measures them.
        width: ``column``, ``page`` or inches.

    Raises:
        SettingError: with fewer than two layers, when results of one layer are of other questions,
            or when ``width`` is out of range.
    """
    models = stages_of(each_of(results, (UnitResult, LayerResult)), by)
    most = max(len(stages) for stages in models.values())
    if most < 2:
        what = "result shows" if most == 1 and len(models) == 1 else "layer a model shows"
        raise SettingError(f"{most} {what} no depth; give at least 2 layers")
    total = inches(width)
    figure = Figure(figsize=(total, 2.5), layout="constrained")
    axes = figure.add_subplot()
    if len(models) == 1:
        _draw_stages(axes, *models.values())
    else:
        draw_depths(axes, models)
    return figure


def stages_of(results: Sequence[UnitResult], by: Measure) -> dict[str, list[Stage]]:
    """Stages of each model, in the order in which they come.

    Raises:
        SettingError: when one layer of one model was asked for several units.
    """
    groups: dict[tuple[str, str], list[UnitResult]] = {}
    for each in results:
        groups.setdefault((each.model_name, each.target.layer), []).append(each)
    found: dict[str, list[Stage]] = {}
    for (model, layer), some in groups.items():
        asked = list(dict.fromkeys(asked_unit(each) for each in some))
        if len(asked) > 1:
            raise SettingError(
                f"{model} {layer} was asked for {', '.join(asked)}: choose one of them (--unit)"
            )
        found.setdefault(model, []).append(Stage.of(some, by))
    return found


def draw_depth(
    axes: Axes, results: Sequence[UnitResult], measurements: Sequence[Measurement]
) -> None:
    """Sides of squares of equal area, pixels: theory whole, theory in the image, empirical."""
    known = dict(zip(map(id, results), measurements, strict=True))
    _draw_stages(axes, [Stage.of([each], lambda result: known[id(result)]) for each in results])


def _draw_stages(axes: Axes, stages: Sequence[Stage]) -> None:
    places = np.arange(len(stages))
    whole, visible = ([getattr(each, name) for each in stages] for name in ("whole", "visible"))
    axes.plot(places, whole, "s--", color="#56B4E9", label="theoretical")
    axes.plot(places, visible, "s:", color="#0072B2", label="theoretical, inside the image")
    axes.plot(places, [each.side for each in stages], "o-", color=COLORS[0], label="empirical")
    _draw_intervals(axes, stages, places, COLORS[0])
    _finish(axes, stages, [shorten(each.layer, 0.9, 6) for each in stages])
    axes.legend(loc="upper left")


def draw_depths(axes: Axes, models: dict[str, list[Stage]]) -> None:
    """Models as lines: measured whole and with intervals, theory inside the image dashed."""
    longest = max(models.values(), key=len)
    handles = []
    for index, (name, stages) in enumerate(models.items()):
        color = COLORS[index % len(COLORS)]
        offset = 0.12 * (index - (len(models) - 1) / 2) / max(1, (len(models) - 1) / 2)
        places = np.arange(len(stages)) + offset
        visible = [each.visible for each in stages]
        axes.plot(places, visible, "--", color=color, linewidth=0.9, alpha=0.7)
        sides = [each.side for each in stages]
        handles += axes.plot(places, sides, "o-", color=color, label=shorten(name, 1.2, 6))
        _draw_intervals(axes, stages, places, color)
    layers = {tuple(each.layer for each in stages) for stages in models.values()}
    same = len(layers) == 1
    names = [
        shorten(each.layer, 0.9, 6) if same else f"stage {number}"
        for number, each in enumerate(longest, start=1)
    ]
    _finish(axes, longest, names)
    theory = Line2D([], [], color="0.3", linestyle="--", label="theory, inside the image")
    axes.legend(handles=[*handles, theory], loc="lower right")


def _draw_intervals(axes: Axes, stages: Sequence[Stage], places: np.ndarray, color: str) -> None:
    for place, stage in zip(places, stages, strict=True):
        if stage.interval is not None:
            axes.vlines(place, *stage.interval, color=color, linewidth=2.4, alpha=0.4)


def _finish(axes: Axes, stages: Sequence[Stage], names: Sequence[str]) -> None:
    images = max(each.images for each in stages)
    axes.axhline(stages[0].image_side, color="0.6", linewidth=0.8, label="image")
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    over = "" if images == 1 else f"\n(mean of {images} photos, 95 % interval)"
    axes.set_ylabel(f"side of equal area, pixels{over}")
    axes.set_ylim(0, None)
    axes.set_xlim(-0.3, len(names) - 0.7)
    axes.grid(axis="y")


def theoretical_side(result: UnitResult) -> float:
    """Side of the square as large as the theoretical field, padding included; NaN if unknown."""
    theory = result.theory
    if theory is None or theory.status == "unknown":
        return math.nan
    if theory.size is not None:
        return math.sqrt(theory.size[0] * theory.size[1])
    return math.sqrt((theory.unclipped or theory.box).area)
