"""The thresholds of the page's slider, and what each cell and each area is at every one of them.

The page computes no measure. It holds, for each cell, how many thresholds it passes (one byte,
which is also its colour), and reads areas off a table that `erf.measures` filled in. So what it
shows at a threshold is what `erf.measure` says at that threshold, not nearly so.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, UInt8

from erf.measures import LUO_SHARE, TWO_SIGMA, inside_share_of_peak, mass_area

PEAK_SHARES: tuple[float, ...] = tuple(
    sorted(
        {
            *(step / 1000 for step in (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)),
            *(step / 1000 for step in range(10, 50, 5)),
            *(step / 100 for step in range(5, 100)),
            LUO_SHARE,
        }
    )
)
"""Shares of the peak, in ascending order."""

MASS_SHARES: tuple[float, ...] = tuple(
    sorted({*(step / 100 for step in (*range(5, 90, 5), *range(90, 100))), TWO_SIGMA, 0.995, 0.999})
)
"""Shares of the mass, in ascending order."""


def peak_levels(
    fields: Float64[np.ndarray, "units rows cols"],
) -> UInt8[np.ndarray, "units rows cols"]:
    """How many of ``PEAK_SHARES`` each cell exceeds: it is inside at threshold k if more than k."""
    levels = np.zeros(fields.shape, np.uint8)
    for share in PEAK_SHARES:
        levels += inside_share_of_peak(fields, share)
    return levels


def mass_levels(
    fields: Float64[np.ndarray, "units rows cols"], areas: Float64[np.ndarray, "rows cols"]
) -> UInt8[np.ndarray, "units rows cols"]:
    """How many of ``MASS_SHARES`` need each cell.

    The smallest set for a share is part of that for a larger one, so a cell is inside at
    threshold k if its level is at least ``len(MASS_SHARES) - k``. The same arithmetic as
    `erf.measures.inside_mass`, for all shares at once.
    """
    levels = np.zeros(fields.shape, np.uint8)
    for field, level in zip(fields, levels, strict=True):
        order = np.argsort(-field, axis=None, kind="stable")
        held = np.cumsum((field * areas).ravel()[order])
        if held[-1] > 0:
            counts = np.searchsorted(held, np.array(MASS_SHARES) * held[-1]) + 1
            needed = (counts[:, None] > np.arange(field.size)).sum(axis=0)
            level.ravel()[order] = needed
    return levels


def mass_areas(
    fields: Float64[np.ndarray, "units rows cols"], areas: Float64[np.ndarray, "rows cols"]
) -> Float64[np.ndarray, "units shares"]:
    """Smallest area with each of ``MASS_SHARES``, pixels."""
    return np.stack([mass_area(fields, areas, share) for share in MASS_SHARES], axis=-1)
