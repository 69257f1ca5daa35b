"""The smallest area that holds a share of a map's mass."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64

from erf.measures.shares import check_share

TWO_SIGMA = 0.9545
"""The share of a Gaussian within two standard deviations (one dimension), after Luo et al."""


def inside_mass(
    field: Float64[np.ndarray, "rows cols"],
    areas: Float64[np.ndarray, "rows cols"],
    share: float = TWO_SIGMA,
) -> Bool[np.ndarray, "rows cols"]:
    """The cells of the smallest set that holds ``share`` of the mass, in whole cells."""
    check_share(share)
    order = np.argsort(-field, axis=None, kind="stable")
    held = np.cumsum((field * areas).ravel()[order])
    count = int(np.searchsorted(held, share * held[-1])) + 1 if held[-1] > 0 else 0
    inside = np.zeros(field.size, dtype=bool)
    inside[order[:count]] = True
    return inside.reshape(field.shape)


def mass_area(
    field: Float64[np.ndarray, "*batch rows cols"],
    areas: Float64[np.ndarray, "rows cols"],
    share: float = TWO_SIGMA,
) -> Float64[np.ndarray, "*batch"]:
    """Smallest area that holds ``share`` of a map's mass, pixels; 0 for a map of zeros.

    Cells are taken in the order of their value; the last one counts by the part that is needed,
    so that the size changes smoothly with the map. On a pixel map the ceiling is the number of
    pixels of the smallest set.

    A cell's mass is its value times its area. For a Gaussian of any width the area that holds
    95.45 % of the mass is the area above 4.55 % of the peak: both are 6.18 pi sigma squared.

    Args:
        field: one map, or a stack of them, nowhere negative.
        areas: of the cells, pixels.
        share: of the mass, between 0 and 1.

    Raises:
        SettingError: when ``share`` is not between 0 and 1.
    """
    check_share(share)
    flat = field.reshape(*field.shape[:-2], -1)
    order = np.argsort(-flat, axis=-1, kind="stable")
    value = np.take_along_axis(flat, order, axis=-1)
    area = areas.ravel()[order]
    held = np.cumsum(value * area, axis=-1)
    wanted = share * held[..., -1:]
    last = (held < wanted).sum(axis=-1, keepdims=True)
    surplus = np.take_along_axis(held, last, axis=-1) - wanted
    height = np.take_along_axis(value, last, axis=-1)
    covered = np.take_along_axis(np.cumsum(area, axis=-1), last, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        exact = covered - surplus / height
    return np.asarray(np.where(held[..., -1:] > 0, exact, 0.0)[..., 0])
