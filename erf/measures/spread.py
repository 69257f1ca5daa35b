"""Centroid and spread of a map: its first and second moments."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from erf.measures.cells import Cells


@dataclass(frozen=True)
class Moments:
    """Where a map lies and how it is spread, weighted by its mass.

    Attributes:
        centroid: (row, col), pixels; NaN for a map of zeros.
        major: standard deviation along the longest axis, pixels.
        minor: standard deviation across it, pixels.
        angle: of the longest axis, degrees from horizontal, counter-clockwise as one looks at the
            picture, from -90 to 90.
    """

    centroid: tuple[float, float]
    major: float
    minor: float
    angle: float

    @property
    def anisotropy(self) -> float:
        """major / minor: 1 for a round field; infinite for one of a single row or column."""
        return self.major / self.minor if self.minor > 0 else math.inf

    def offset(self, center: tuple[float, float]) -> tuple[float, float]:
        """(rows, cols) from the unit's centre to the centroid, pixels."""
        return self.centroid[0] - center[0], self.centroid[1] - center[1]


def moments(field: Float64[np.ndarray, "rows cols"], cells: Cells) -> Moments:
    """Moments of a map whose mass sits at the patch centres.

    A patch blurs a field: it adds (patch² - 1) / 12 to the variance along each axis of a map of
    mean squared discrepancies.
    """
    mass = field * cells.areas
    total = float(mass.sum())
    if total <= 0:
        return Moments((math.nan, math.nan), math.nan, math.nan, math.nan)
    weight = mass / total
    row = float(weight.sum(axis=1) @ cells.row_centers)
    col = float(weight.sum(axis=0) @ cells.col_centers)
    rows, cols = cells.row_centers - row, cells.col_centers - col
    mixed = float(rows @ weight @ cols)
    covariance = np.array(
        [
            [float(weight.sum(axis=1) @ rows**2), mixed],
            [mixed, float(weight.sum(axis=0) @ cols**2)],
        ]
    )
    return Moments((row, col), *principal_axes(covariance))


def principal_axes(covariance: Float64[np.ndarray, "2 2"]) -> tuple[float, float, float]:
    """(major, minor, angle) of a (row, col) covariance, as in ``Moments``."""
    values, vectors = np.linalg.eigh(covariance)
    minor, major = np.sqrt(np.maximum(values, 0))
    row, col = vectors[:, 1]
    # Rows run down the picture, angles run up: hence the sign.
    angle = (math.degrees(math.atan2(-row, col)) + 90) % 180 - 90
    return float(major), float(minor), angle
