"""Size of the field while a network trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from erf.errors import SettingError
from erf.geometry import UnitName
from erf.measures import measure
from erf.results import LayerResult, UnitResult
from figures.style import Width, inches, styled
from figures.unit import at_unit


@dataclass(frozen=True)
class Growth:
    """One probe of a training run.

    Attributes:
        iteration: at which the weights were probed.
        side: of the square of the field's area, pixels.
        interval: of the side; None where there is none.
        theory: side of the theoretical field inside the image; None where it is not known.
    """

    iteration: int
    side: float
    interval: tuple[float, float] | None = None
    theory: float | None = None

    @classmethod
    def of(
        cls, iteration: int, result: UnitResult | LayerResult, unit: UnitName | None = None
    ) -> Growth:
        """Of a saved probe; of a whole layer's result, the unit."""
        found = measure(at_unit(result, unit))
        theory = None if found.theory is None else found.theory.area**0.5
        return cls(iteration, found.side, found.interval("side"), theory)


@styled
def growth_figure(
    runs: Mapping[str, Sequence[Growth]],
    *,
    theory: float | None = None,
    width: Width = "column",
) -> Figure:
    """Empirical size over iterations, one line a run.

    Args:
        runs: probes by the run's name.
        theory: side of the theoretical field inside the image, pixels, for reference; where not
            given, the one that all probes have, if it is one.
        width: ``column``, ``page`` or inches.

    Raises:
        SettingError: when a run was probed fewer than twice, or ``width`` is out of range.
    """
    for name, probes in runs.items():
        if len(probes) < 2:
            raise SettingError(f"run {name!r} was probed {len(probes)} times; growth needs 2")
    sides = {probe.theory for probes in runs.values() for probe in probes} - {None}
    theory = sides.pop() if theory is None and len(sides) == 1 else theory
    figure = Figure(figsize=(inches(width), 2.1), layout="constrained")
    draw_growth(figure.add_subplot(), runs, theory=theory)
    return figure


def draw_growth(
    axes: Axes, runs: Mapping[str, Sequence[Growth]], *, theory: float | None = None
) -> None:
    """Lines of sides with bands of intervals, in pixels."""
    for name, probes in runs.items():
        ordered = sorted(probes, key=lambda probe: probe.iteration)
        iterations = [probe.iteration for probe in ordered]
        (line,) = axes.plot(iterations, [probe.side for probe in ordered], "o-", label=name)
        spread = [probe.interval or (probe.side, probe.side) for probe in ordered]
        axes.fill_between(
            iterations,
            [low for low, _ in spread],
            [high for _, high in spread],
            color=line.get_color(),
            alpha=0.25,
            linewidth=0,
        )
    if theory is not None:
        axes.axhline(theory, color="0.5", linestyle="--", linewidth=0.8, label="theoretical")
    axes.set_xlabel("iteration")
    axes.set_ylabel("side of equal area, pixels")
    axes.set_ylim(0, None)
    axes.grid(axis="y")
    axes.legend()
