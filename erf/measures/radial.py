"""Radial profile: a map as a function of the distance from the unit's centre."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from erf.measures.cells import Cells


@dataclass(frozen=True)
class RadialProfile:
    """A map averaged over rings.

    Attributes:
        radius: outer radius of each ring, pixels.
        mean: of the map over the ring, weighted by area; NaN in a ring without patch centres.
        cumulative: share of the mass within the outer radius; the last is 1.
    """

    radius: Float64[np.ndarray, " rings"]
    mean: Float64[np.ndarray, " rings"]
    cumulative: Float64[np.ndarray, " rings"]


def radial_profile(
    field: Float64[np.ndarray, "rows cols"],
    cells: Cells,
    center: tuple[float, float],
    step: float | None = None,
) -> RadialProfile:
    """Mean and cumulative mass over rings around ``center``.

    A cell belongs to the ring of its patch centre. Rings of a clipped field are averaged over the
    part inside the image.

    Args:
        field: a map, nowhere negative.
        cells: its layout.
        center: of the unit, (row, col) in pixels.
        step: width of a ring, pixels; by default the largest cell side, so that no ring is empty
            but those nearest to a centre between patches.
    """
    if step is None:
        step = float(max(np.diff(cells.row_edges).max(), np.diff(cells.col_edges).max()))
    ring = np.floor(cells.distances(center) / step).astype(np.int64).ravel()
    area = np.bincount(ring, weights=cells.areas.ravel())
    mass = np.bincount(ring, weights=(field * cells.areas).ravel())
    with np.errstate(invalid="ignore"):
        mean = mass / area
    total = mass.sum()
    cumulative = np.cumsum(mass) / total if total > 0 else np.zeros_like(mass)
    return RadialProfile(step * np.arange(1, len(mass) + 1), mean, cumulative)
