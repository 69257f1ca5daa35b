"""How much of a map lies above a share of its peak."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64

from erf.measures.shares import check_share

LUO_SHARE = 1 - 0.9545
"""Luo et al. 2016 draw the border two standard deviations of a Gaussian away: 1 - 95.45 %."""


def inside_share_of_peak(
    field: Float64[np.ndarray, "*batch rows cols"], share: float
) -> Bool[np.ndarray, "*batch rows cols"]:
    """Where a map exceeds ``share`` of its peak; nowhere in a map without any positive value."""
    check_share(share)
    peak = field.max(axis=(-2, -1), keepdims=True)
    return (field > share * peak) & (field > 0)


def above_share_of_peak(
    field: Float64[np.ndarray, "*batch rows cols"],
    areas: Float64[np.ndarray, "rows cols"],
    share: float = LUO_SHARE,
) -> Float64[np.ndarray, "*batch"]:
    """Area where a map exceeds ``share`` of its peak, pixels (Luo et al. 2016).

    Two weaknesses: the peak is the largest of many noisy values, so with few draws it is too high
    and the area too small; and a tail just below the threshold counts for nothing however far it
    reaches.

    Args:
        field: one map, or a stack of them.
        areas: of the cells, pixels.
        share: of the peak, between 0 and 1.

    Raises:
        SettingError: when ``share`` is not between 0 and 1.
    """
    inside = inside_share_of_peak(field, share)
    return np.asarray((inside * areas).sum(axis=(-2, -1)))
