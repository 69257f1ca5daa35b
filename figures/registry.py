"""Figures by name: what ``erf figure NAME RESULTS...`` can draw, and how one adds one's own.

One file with one decorated function, named under the entry point ``erf.plugins`` or imported:

    @figures.figure("peaks", takes="results")
    def peaks(results, *, width):
        drawing = matplotlib.figure.Figure(figsize=(figures.style.inches(width), 2))
        drawing.subplots().plot([result.discrepancy.max() for result in results])
        return drawing
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from matplotlib.figure import Figure

from erf.errors import SettingError
from erf.geometry import UnitName
from erf.registry import Registry
from erf.results import LayerResult, UnitResult, each_of
from figures.style import Width, look
from figures.unit import at_unit

Takes = Literal["result", "results", "layer"]
TAKES: tuple[Takes, ...] = ("result", "results", "layer")

Drawing = TypeVar("Drawing", bound=Callable[..., Figure])


@dataclass(frozen=True)
class FigureKind:
    """A figure that can be drawn of results alone.

    Attributes:
        name: under which it is registered.
        takes: one unit's ``result``, several units' ``results`` or the result of a whole ``layer``.
        function: ``(result, *, width) -> Figure``, or of a list of results.
        width: unless another is asked for.
    """

    name: str
    takes: Takes
    function: Callable[..., Figure]
    width: Width

    @property
    def summary(self) -> str:
        """The first line of the function's docstring, for lists."""
        return (self.function.__doc__ or "").strip().partition("\n")[0]

    def draw(
        self, results: object, *, unit: UnitName | None = None, width: Width | None = None
    ) -> Figure:
        """The figure of what a probe returned, one result or many.

        Args:
            results: one, several, or several by name.
            unit: which one of a whole layer, for a figure of units: ``center``, ``max`` or a
                (row, col).
            width: ``column``, ``page`` or inches.

        Raises:
            SettingError: when the figure takes another number of results.
            UnitError: when a unit is needed and none is named, or a layer is needed.
        """
        found = each_of(results, (UnitResult, LayerResult), "result of a probe")
        if self.takes != "layer":
            found = [at_unit(each, unit) for each in found]
        if self.takes != "results" and len(found) != 1:
            raise SettingError(f"figure {self.name!r} takes 1 result, not {len(found)}")
        if self.takes == "layer" and not isinstance(found[0], LayerResult):
            raise SettingError(
                f"figure {self.name!r} takes a whole layer, not {found[0].target}: "
                "probe it with unit all"
            )
        given: Any = found if self.takes == "results" else found[0]
        with look():
            return self.function(given, width=self.width if width is None else width)


FIGURES = Registry[FigureKind]("figure")


def figure(
    name: str, *, takes: Takes = "results", width: Width = "page"
) -> Callable[[Drawing], Drawing]:
    """Register the decorated function as the figure ``name``.

    Args:
        name: for ``erf figure NAME``.
        takes: ``result`` (one, of a unit), ``results`` (a list of them) or ``layer`` (one, of all
            units).
        width: unless the user asks for another: ``column``, ``page`` or inches.

    Raises:
        SettingError: when ``takes`` is none of these.
    """
    if takes not in TAKES:
        raise SettingError(f"figure {name!r} takes {takes!r}, which is none of {', '.join(TAKES)}")

    def register(function: Drawing) -> Drawing:
        FIGURES.add(name, FigureKind(name, takes, function, width))
        return function

    return register
