"""A comparison in words: the cells of its table, the verdicts, and what was tested."""

from __future__ import annotations

import math
from collections.abc import Iterable

from erf.measures.comparison import Compared, Comparison
from erf.measures.ratios import Ratio

METHODS = {
    "paired": "t test paired over the same images",
    "images": "Welch's t test over different images",
    "draws": "z test over draws, about these images only",
    "nothing": "one image each, so that nothing is said of others",
}
Cells = tuple[tuple[str, ...], list[tuple[str, ...]], list[str]]
"""Head of a table, cells of its rows, notes below it."""


def comparison_cells(rows: Comparison) -> Cells:
    """A comparison as a table for a person."""
    head = ("result", "side, px", _covers(rows), "of theory", "area ratio", "verdict")
    first = rows[0]
    notes = [
        f"size: {first.measurement.size().meaning}",
        f"ratios: to {first.name}; {tests_used(row.ratio for row in rows)}",
    ]
    return head, [_cells(row) for row in rows], notes


def _cells(row: Compared) -> tuple[str, ...]:
    found, theory = row.measurement, row.measurement.share_of_theory
    return (
        row.name if row.images == 1 else f"{row.name} ({row.images} images)",
        with_interval(found.side, found.interval("side"), 0),
        f"{100 * found.share_of_image:.1f} %",
        "" if theory is None else f"{100 * theory:.1f} %",
        *ratio_cells(row.ratio),
    )


def _covers(rows: Comparison) -> str:
    """Of what the sizes are shares: an average around units has a map of its own."""
    recentred = [row.measurement.recentred for row in rows]
    return "of map" if all(recentred) else "of image or map" if any(recentred) else "of image"


def with_interval(value: float, interval: tuple[float, float] | None, digits: int) -> str:
    """The value, below it its interval."""
    if interval is None:
        return f"{value:.{digits}f}"
    low, high = interval
    return f"{value:.{digits}f}\n{low:.{digits}f} to {high:.{digits}f}"


def ratio_cells(ratio: Ratio | None) -> tuple[str, str]:
    """Ratio with interval, and the verdict; of the first row, the reference, no verdict.

    Example:
        >>> ratio_cells(Ratio(1.2, 1.1, 1.3, 0.01, 0.02, "paired", 0.95))[1].splitlines()
        ['differs', 'p = 0.02']
    """
    if ratio is None:
        return "1", ""
    if math.isnan(ratio.p_adjusted):
        return f"{ratio.value:.2f}", "spread unknown"
    verdict = "differs" if ratio.significant else "no difference seen"
    interval = with_interval(ratio.value, (ratio.low, ratio.high), 2)
    return interval, f"{verdict}\n{p_text(ratio.p_adjusted)}"


def p_text(value: float) -> str:
    """``p = 0.012``, or ``p < 0.001``."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"


def tests_used(ratios: Iterable[Ratio | None]) -> str:
    """What was tested, in words."""
    methods = dict.fromkeys(each.method for each in ratios if each is not None)
    return "; ".join(METHODS[each] for each in methods)
