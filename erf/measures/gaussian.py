"""Fit of a two-dimensional Gaussian."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.optimize import least_squares

from erf.measures.cells import Cells
from erf.measures.spread import moments, principal_axes


@dataclass(frozen=True)
class GaussianFit:
    """The Gaussian nearest to a map in least squares.

    Attributes:
        amplitude: at its centre, in the unit of the map.
        center: (row, col), pixels.
        major: standard deviation along the longest axis, pixels.
        minor: standard deviation across it, pixels.
        angle: of the longest axis, degrees from horizontal, counter-clockwise as one looks at the
            picture, from -90 to 90.
        r_squared: share of the map's variance that the fit explains; 1 is a perfect Gaussian.
    """

    amplitude: float
    center: tuple[float, float]
    major: float
    minor: float
    angle: float
    r_squared: float


def gaussian_fit(field: Float64[np.ndarray, "rows cols"], cells: Cells) -> GaussianFit | None:
    """Fit ``a exp(-d' S⁻¹ d / 2)``, cells weighted by their area.

    S⁻¹ is parametrised by its Cholesky factor, so that every step is a Gaussian. The start is the
    map's moments about its peak-weighted centre.

    Returns:
        None for a map that no Gaussian can be fitted to: flat, of fewer than six values, or of
        one row or column.
    """
    peak = float(field.max())
    if field.size < 6 or min(field.shape) < 2 or peak <= 0 or np.ptp(field) == 0:
        return None
    # Squaring keeps a wide, low tail from swelling the first guess.
    start = moments(np.square(field), cells)
    spread = math.sqrt(2) * max(start.major, float(np.diff(cells.row_edges).min()) / 2)
    weight = np.sqrt(cells.areas / cells.areas.mean())
    scale = np.array([1.0, spread, spread, 1 / spread, 1 / spread, 1 / spread])

    def residual(p: Float64[np.ndarray, "6"]) -> Float64[np.ndarray, " n"]:
        return np.asarray((weight * (_bell(p, cells) - field / peak)).ravel())

    found = least_squares(
        residual,
        [1.0, *start.centroid, 1 / spread, 0.0, 1 / spread],
        x_scale=scale,
    )
    amplitude, row, col, a, b, c = found.x
    if a == 0 or c == 0:
        return None
    covariance = np.linalg.inv(np.array([[a * a, a * b], [a * b, b * b + c * c]]))
    mean = np.average(field / peak, weights=cells.areas)
    variance = float(np.square(weight * (field / peak - mean)).sum())
    return GaussianFit(
        peak * float(amplitude),
        (float(row), float(col)),
        *principal_axes(covariance),
        r_squared=1 - 2 * float(found.cost) / variance,
    )


def _bell(p: Float64[np.ndarray, "6"], cells: Cells) -> Float64[np.ndarray, "rows cols"]:
    """Amplitude, centre and the three numbers of the Cholesky factor as a map."""
    amplitude, row, col, a, b, c = p
    down, right = cells.row_centers[:, None] - row, cells.col_centers - col
    return np.asarray(
        amplitude * np.exp(-(np.square(a * down + b * right) + np.square(c * right)) / 2)
    )
