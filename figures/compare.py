"""Several fields side by side: maps, differences, profiles, sizes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Normalize
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from scipy import stats

from erf.errors import SettingError
from erf.measures import Cells, Field, Measurement, measure, radial_profile
from erf.results import UnitResult
from figures.field import draw_field
from figures.frame import align_ends, frame
from figures.lettering import shorten, text_width, wrap
from figures.maps import ShareScale, draw_share_bar
from figures.naming import Measure, Several, named
from figures.outlines import Outline
from figures.panels import CAPTION_POINTS, TITLE_POINTS, Panels
from figures.registry import figure
from figures.style import Width, inches, styled
from figures.words import share_label

MOST = 6
"""Fields that fit beside each other."""

CONFIDENCE = 0.95

_BAR = {"height": 0.07, "inset": 0.08}


@figure("compare", takes="results")
@styled
def compare_figure(
    results: Several,
    *,
    by: Measure = measure,
    width: Width = "page",
) -> Figure:
    """Fields on one colour scale, what each has more than the first, profiles, sizes.

    Every field is divided by its own peak, because the responses of different models have no
    common unit. Differences need one patch grid and are left out between images of other sizes.

    Args:
        results: of one unit each, two to six; by the names of their titles, which are else the
            models' names and units.
        by: measures them; ``partial(erf.measure, criterion="peak")`` for another criterion.
        width: ``column``, ``page`` or inches.

    Raises:
        SettingError: when there are too few or too many results, or ``width`` is out of range.
        UnitError: when a result holds a whole layer.
    """
    by_name = named(results)
    if not 2 <= len(by_name) <= MOST:
        raise SettingError(f"{len(by_name)} results cannot be compared; give 2 to {MOST}")
    names, results = tuple(by_name), list(by_name.values())
    fields = [Field.of(result) for result in results]
    measurements = [by(result) for result in results]
    same = all(result.grid == results[0].grid for result in results)
    total = inches(width)
    rows, cols = results[0].grid.image_size
    caption = wrap(compare_caption(names, measurements, same), total - 0.1, CAPTION_POINTS)
    panels = Panels(
        total,
        1 + same,
        len(results),
        rows / cols,
        caption=tuple(caption),
        below=0.5 + 0.2 * len(results) if same else 1.5,
    )
    figure = panels.figure()
    _draw_fields(figure, panels, results, names, measurements)
    if same:
        _draw_differences(figure, panels, fields, names)
    label = max(text_width(shorten(name, 1.0, 6), 6) for name in names) + 0.12
    if same:
        draw_profiles(panels.chart(figure, len(results), left=0.33), fields, names)
        left = label
    else:
        draw_profiles(panels.underneath(figure, 0.4, 0.5 * total), fields, names)
        left = 0.5 * total + label + 0.1
    draw_sizes(panels.underneath(figure, left, total - 0.1), measurements, names)
    return figure


def compare_caption(
    names: Sequence[str], measurements: Sequence[Measurement], differences: bool
) -> str:
    """Which share of the image each hears, and how to read the rest."""
    whole = "map, recentred on the unit," if measurements[0].recentred else "image"
    heard = ", ".join(
        f"{name} {share_label(measurement.share_of_image)}"
        for name, measurement in zip(names, measurements, strict=True)
    )
    text = f"Share of the {whole} heard ({measurements[0].size().meaning}): {heard}."
    text += f" Fields as shares of their own peak; {_lines(measurements[0].criterion)}."
    if differences:
        text += f" Second row: share of the peak less that of {names[0]}."
    return text + f" Bands and bars: {share_label(CONFIDENCE)} intervals over draws."


def _outlines(criterion: str) -> list[Outline]:
    """The criterion's own line where it has one, and half the mass."""
    own = criterion if criterion.startswith(("mass", "peak")) else "mass:0.9545"
    return list(dict.fromkeys([Outline.parse(own), Outline("mass", 0.5)]))


def _lines(criterion: str) -> str:
    """Which lines are drawn, the first around what is measured where that has an outline."""
    return "lines: " + " and ".join(outline.label for outline in _outlines(criterion))


def _draw_fields(
    figure: Figure,
    panels: Panels,
    results: Sequence[UnitResult],
    names: Sequence[str],
    measurements: Sequence[Measurement],
) -> None:
    scale = ShareScale()
    for index, (result, name) in enumerate(zip(results, names, strict=True)):
        outlines = _outlines(measurements[index].criterion)
        axes = panels.axes(figure, index, name)
        mesh = draw_field(axes, result, outlines=outlines, scale=scale)
        draw_share_bar(panels.strip(figure, index, **_BAR), mesh, scale)


def _draw_differences(
    figure: Figure, panels: Panels, fields: Sequence[Field], names: Sequence[str]
) -> None:
    shares = [peak_shares(field) for field in fields]
    limit = max(float(np.abs(share - shares[0]).max()) for share in shares[1:]) or 1.0
    count = len(fields)
    for index in range(1, count):
        axes = panels.axes(figure, count + index, f"{names[index]} − {names[0]}")
        mesh = draw_difference(axes, shares[index] - shares[0], fields[index].cells, limit)
        bar = figure.colorbar(
            mesh,
            cax=panels.strip(figure, count + index, **_BAR),
            orientation="horizontal",
            ticks=[-limit, 0, limit],
        )
        bar.ax.set_xticklabels([f"−{share_label(limit)}", "0", f"+{share_label(limit)}"])
        align_ends(bar.ax)


def peak_shares(field: Field) -> Float64[np.ndarray, "rows cols"]:
    """A field divided by its peak; zeros when nothing is heard."""
    peak = float(field.clean.max())
    return field.clean / peak if peak > 0 else field.clean


def draw_difference(
    axes: Axes, difference: Float64[np.ndarray, "rows cols"], cells: Cells, limit: float
) -> QuadMesh:
    """Draw a signed map, white at zero, orange below and purple above, up to ``limit``."""
    mesh = axes.pcolormesh(
        cells.col_edges,
        cells.row_edges,
        difference,
        norm=Normalize(-limit, limit),
        cmap="PuOr",
        rasterized=True,
        gid="difference",
    )
    rows, cols = cells.extent
    frame(axes, (rows, cols))
    for spine in axes.spines.values():
        spine.set_visible(True)
    return mesh


def draw_profiles(axes: Axes, fields: Sequence[Field], names: Sequence[str]) -> None:
    """Mean discrepancy over rings around each unit, as a share of the peak, with its interval."""
    for field, name, color in zip(fields, names, line_colors(len(fields)), strict=True):
        radius, mean, half = profile_band(field)
        axes.plot(radius, mean, color=color, label=shorten(name, 0.9, 6))
        axes.fill_between(
            radius, mean - half, mean + half, color=color, alpha=0.25, linewidth=0, gid="band"
        )
    axes.set_yscale("log")
    axes.set_ylim(1e-3, 1.3)
    axes.set_yticks([1e-3, 1e-2, 1e-1, 1], ["0.1 %", "1 %", "10 %", "100 %"])
    axes.set_xlim(0, None)
    axes.set_xlabel("distance, pixels")
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    room = axes.get_position().width * figure.get_figwidth()
    axes.set_title(shorten("mean share of the peak", room, TITLE_POINTS))
    axes.grid(axis="y")
    axes.legend(loc="lower left")


def profile_band(
    field: Field,
) -> tuple[
    Float64[np.ndarray, " rings"], Float64[np.ndarray, " rings"], Float64[np.ndarray, " rings"]
]:
    """Middle radius of each ring, mean share of the peak, half-width of its interval.

    The interval is Student's over the draws; zero where draws were not kept.
    """
    profile = radial_profile(field.clean, field.cells, field.center)
    peak = float(field.clean.max()) or 1.0
    middle = (profile.radius + np.concatenate([[0.0], profile.radius[:-1]])) / 2
    half = np.zeros_like(middle)
    if field.samples is not None and field.draws > 1:
        draws = [
            radial_profile(np.where(field.heard, sample, 0.0), field.cells, field.center).mean
            for sample in field.samples
        ]
        error = np.std(draws, axis=0, ddof=1) / np.sqrt(field.draws)
        half = error * stats.t.ppf((1 + CONFIDENCE) / 2, df=field.draws - 1)
    known = ~np.isnan(profile.mean)
    return middle[known], profile.mean[known] / peak, half[known] / peak


def draw_sizes(
    axes: Axes, measurements: Sequence[Measurement], names: Sequence[str]
) -> BarContainer:
    """One bar a field: the side of the square of equal area, with its interval."""
    sides = np.array([measurement.side for measurement in measurements])
    spread = np.array(
        [
            measurement.interval("side") or (side, side)
            for measurement, side in zip(measurements, sides, strict=True)
        ]
    )
    places = np.arange(len(sides))
    bars = axes.barh(places, sides, color=line_colors(len(sides)), height=0.6)
    axes.hlines(places, spread[:, 0], spread[:, 1], color="0.1", linewidth=1.2, gid="interval")
    for place, side, high in zip(places, sides, spread[:, 1], strict=True):
        axes.annotate(
            f"{side:.0f} px",
            (max(side, high), place),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=6,
        )
    axes.set_yticks(places, [shorten(name, 1.0, 6) for name in names])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.18 * max(spread.max(), sides.max(), 1))
    axes.set_xlabel("pixels")
    axes.set_title("side of the square of equal area")
    return bars


def line_colors(count: int) -> list[str]:
    """The style's first colours."""
    cycle = rcParams["axes.prop_cycle"].by_key()["color"]
    return [cycle[index % len(cycle)] for index in range(count)]
