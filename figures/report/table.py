"""The page's table of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from erf.measures import Measurement
from erf.measures.summary import percent
from erf.measures.units import unit_sizes
from erf.results import LayerResult, UnitResult
from figures.naming import Measure

HEAD = (
    "model",
    "unit",
    "image",
    "definition",
    "area, px",
    "side, px",
    "interval of the area",
    "of image",
    "of theory",
)


def measurement_table(results: Sequence[UnitResult | LayerResult], by: Measure) -> dict[str, Any]:
    """Heading, rows and a note, all of them plain text."""
    rows: list[tuple[str, ...]] = []
    for result in results:
        if isinstance(result, LayerResult):
            rows.append(layer_row(result))
        else:
            rows += size_rows(result, by(result))
    note = "Intervals are over draws; a whole layer keeps means only and has none."
    return {"head": HEAD, "rows": rows, "note": note}


def size_rows(result: UnitResult, measurement: Measurement) -> list[tuple[str, ...]]:
    """One row for each definition of size; all but the first leave out what repeats."""
    rows: list[tuple[str, ...]] = []
    for index, size in enumerate(measurement.sizes):
        interval = size.interval
        spread = "" if interval is None else f"{interval.low:,.0f} to {interval.high:,.0f}"
        theory = measurement.theory
        of_theory = percent(size.area / theory.area) if theory and theory.area else "unknown"
        names = (result.model_name, str(result.target), result.image_name)
        rows.append(
            (
                *(names if index == 0 else ("", "", "")),
                size.meaning,
                f"{size.area:,.0f}",
                f"{size.side:.0f}",
                spread,
                percent(size.area / measurement.whole)
                + (" of map" if measurement.recentred else ""),
                of_theory,
            )
        )
    return rows


def layer_row(result: LayerResult) -> tuple[str, ...]:
    """A whole layer: the middle of its units' sizes, and their range."""
    areas = unit_sizes(result)
    middle = float(np.median(areas))
    rows, cols = result.grid.image_size
    return (
        result.model_name,
        f"{result.target}, {areas.shape[0]} × {areas.shape[1]} units",
        result.image_name,
        f"median over units of the smallest area with 95.45 % of the mass; "
        f"range {areas.min():,.0f} to {areas.max():,.0f}",
        f"{middle:,.0f}",
        f"{middle**0.5:.0f}",
        "",
        percent(middle / (rows * cols)),
        "",
    )
