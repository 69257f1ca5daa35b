"""Contours: where a field passes a stated share of its peak or of its mass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.contour import QuadContourSet

from erf.errors import SettingError
from erf.measures import Cells, inside_mass
from figures.words import share_label

STYLES = ("solid", "dashed", "dotted", "dashdot")


@dataclass(frozen=True)
class Outline:
    """A contour that belongs to a size of `erf.measure`.

    Attributes:
        kind: ``mass``, the smallest area with a share of the mass, or ``peak``, the area above a
            share of the peak.
        share: between 0 and 1.
    """

    kind: str
    share: float

    @classmethod
    def parse(cls, name: str) -> Outline:
        """Read a size's name, ``mass:0.9545`` or ``peak:0.1``.

        Raises:
            SettingError: when it is none, or the share is not between 0 and 1.
        """
        kind, _, number = name.partition(":")
        try:
            share = float(number)
        except ValueError:
            share = -1.0
        if kind not in ("mass", "peak") or not 0 < share < 1:
            raise SettingError(
                f"contour {name!r} is neither mass:SHARE nor peak:SHARE with a share between 0 and "
                "1, such as mass:0.9545"
            )
        return cls(kind, share)

    @property
    def label(self) -> str:
        """In words, such as ``50 % of the mass``."""
        share = f"{100 * self.share:.4g}\N{NO-BREAK SPACE}%"
        return f"{share} of the mass" if self.kind == "mass" else f"{share} of the peak"

    def level(self, field: Float64[np.ndarray, "rows cols"], cells: Cells) -> float | None:
        """The share of the peak at which the line is drawn; None for a field of zeros."""
        peak = float(field.max())
        if peak <= 0:
            return None
        if self.kind == "peak":
            return self.share
        return float(field[inside_mass(field, cells.areas, self.share)].min()) / peak


DEFAULT_OUTLINES = (Outline("mass", 0.9545), Outline("mass", 0.5))


def draw_outlines(
    axes: Axes,
    field: Float64[np.ndarray, "rows cols"],
    cells: Cells,
    outlines: Sequence[Outline] = DEFAULT_OUTLINES,
    *,
    color: str = "white",
) -> QuadContourSet | None:
    """Draw a line for each outline, interpolated between patch centres, the largest area solid.

    Between the outermost centres and the border the field is continued as it is.

    Returns:
        The lines, or None when the field is flat and has none.
    """
    levels = styled_levels(field, cells, outlines)
    if not levels or np.ptp(field) == 0:
        return None
    shares = np.pad(field / field.max(), 1, mode="edge")
    rows = np.concatenate([cells.row_edges[:1], cells.row_centers, cells.row_edges[-1:]])
    cols = np.concatenate([cells.col_edges[:1], cells.col_centers, cells.col_edges[-1:]])
    return axes.contour(
        cols,
        rows,
        shares,
        levels=[level for level, _ in levels],
        colors=color,
        linewidths=0.8,
        linestyles=[style for _, style in levels],
    )


def styled_levels(
    field: Float64[np.ndarray, "rows cols"], cells: Cells, outlines: Sequence[Outline]
) -> list[tuple[float, str]]:
    """(share of the peak, line style) of each outline, from the lowest level up."""
    levels = {outline.level(field, cells) for outline in outlines}
    found = sorted(level for level in levels if level is not None)
    return [(level, STYLES[index % len(STYLES)]) for index, level in enumerate(found)]


def legend(
    field: Float64[np.ndarray, "rows cols"], cells: Cells, outlines: Sequence[Outline]
) -> str:
    """Which line is which: ``solid line 95.45 % of the mass, dashed 50 % of the mass``."""
    styles = dict(styled_levels(field, cells, outlines))
    named = [
        (level, f"{styles[level]} {outline.label} (above {share_label(level)} of the peak)")
        if outline.kind == "mass"
        else (level, f"{styles[level]} {outline.label}")
        for outline in outlines
        if (level := outline.level(field, cells)) is not None
    ]
    return ", ".join(text for _, text in sorted(named))
