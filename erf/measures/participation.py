"""Participation area: how many pixels take part, without any threshold."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64


def participation_area(
    field: Float64[np.ndarray, "*batch rows cols"], areas: Float64[np.ndarray, "rows cols"]
) -> Float64[np.ndarray, "*batch"]:
    """(sum of p)² / sum of p², over pixels; 0 for a map of zeros.

    The area of a flat map that is equally concentrated (the inverse participation ratio of
    physics, the effective number of Hill 1973 at order 2); 4 pi sigma squared for a Gaussian.
    """
    total = (field * areas).sum(axis=(-2, -1))
    squares = (np.square(field) * areas).sum(axis=(-2, -1))
    return np.asarray(np.square(total) / np.where(squares > 0, squares, 1.0))
