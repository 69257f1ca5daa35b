"""When are there enough draws? When the interval of the size is narrow enough."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float64

from erf.errors import SettingError
from erf.measures.intervals import bootstrap_intervals
from erf.measures.mass import TWO_SIGMA, mass_area

FIRST_DRAWS = 4
"""Draws before the first look: fewer give no trustworthy interval."""


@dataclass(frozen=True)
class Precision:
    """How well a size is known, and what more draws would do.

    Attributes:
        draws: taken so far.
        half_width: half the interval's width over the size; infinite for a map of zeros or with
            fewer than two draws.
        tolerance: the half-width that is wanted.
        next_draws: total number of draws worth going on to; ``draws`` when there are enough.
    """

    draws: int
    half_width: float
    tolerance: float
    next_draws: int

    @property
    def enough(self) -> bool:
        """Whether the size is known well enough."""
        return self.half_width <= self.tolerance


def precision(
    samples: Float64[np.ndarray, "draws rows cols"],
    areas: Float64[np.ndarray, "rows cols"],
    *,
    tolerance: float = 0.02,
    limit: int = 64,
    share: float = TWO_SIGMA,
    level: float = 0.95,
    resamples: int = 499,
) -> Precision:
    """Judge the draws taken so far: the stopping rule of ``draws="auto"``.

    Start with ``FIRST_DRAWS`` and go on to ``next_draws`` until ``enough``, or the limit. The
    interval shrinks with the square root of the draws, so the number needed is extrapolated, but
    no step more than doubles it: few looks, and none on the strength of a lucky start. Stopping
    when an interval happens to be narrow makes it claim slightly too much; with looks at 4, 8,
    16, ... the loss of coverage is within a percent or so.

    Args:
        samples: discrepancy of each draw.
        areas: of the cells, pixels.
        tolerance: wanted half-width of the interval, relative to the size.
        limit: no more draws than this.
        share: of the mass that defines the size.
        level: of confidence.
        resamples: bootstrap maps.

    Raises:
        SettingError: when the tolerance is not positive or the limit below 2.
    """
    if not tolerance > 0:
        raise SettingError(f"tolerance {tolerance} must be positive")
    if limit < 2:
        raise SettingError(f"limit {limit} must be at least 2 draws: one draw has no spread")
    draws = len(samples)
    if draws < 2:
        return Precision(draws, math.inf, tolerance, min(limit, FIRST_DRAWS))
    sizes = {"mass": partial(mass_area, areas=areas, share=share)}
    found = bootstrap_intervals(samples, sizes, level=level, resamples=resamples)["mass"]
    half = (found.high - found.low) / 2 / found.value if found.value > 0 else math.inf
    if half <= tolerance or draws >= limit:
        return Precision(draws, half, tolerance, draws)
    needed = min(draws * (half / tolerance) ** 2, 2 * draws, limit)
    return Precision(draws, half, tolerance, math.ceil(needed))
