"""Cells differ in area where the last patches are shifted inward: every measure weighs them."""

import math

import numpy as np
import pytest

from erf.geometry import PatchGrid
from erf.measures import Cells, centred_square, gaussian_fit, moments, radial_profile
from erf.measures.square import square_inside_image

GRID = PatchGrid((64, 64), patch=6, stride=5)
CELLS = Cells.of(GRID)
MIDDLE = (31.5, 31.5)
FIELD = np.random.default_rng(0).lognormal(0, 1, GRID.shape)


def test_the_cells_are_uneven() -> None:
    assert CELLS.areas.max() > 1.5 * CELLS.areas.min()
    assert CELLS.areas.sum() == 64 * 64


def test_moments_weigh_cells_by_area() -> None:
    mass = (FIELD * CELLS.areas).ravel()
    rows, cols = (each.ravel() for each in np.meshgrid(*GRID.centers, indexing="ij"))
    found = moments(FIELD, CELLS)
    assert found.centroid == pytest.approx(
        (np.average(rows, weights=mass), np.average(cols, weights=mass))
    )
    covariance = np.cov(rows, cols, aweights=mass, ddof=0)
    assert found.major**2 + found.minor**2 == pytest.approx(np.trace(covariance))
    assert found.major * found.minor == pytest.approx(math.sqrt(np.linalg.det(covariance)))


def test_a_flat_map_is_flat_in_every_ring() -> None:
    profile = radial_profile(np.full(GRID.shape, 3.0), CELLS, MIDDLE)
    np.testing.assert_allclose(profile.mean[~np.isnan(profile.mean)], 3.0)


def test_a_square_holds_the_mass_of_its_area() -> None:
    flat = np.ones(GRID.shape)
    for share in (0.2, 0.5, 0.99):
        side = centred_square(flat, CELLS, MIDDLE, share)
        assert side == pytest.approx(64 * math.sqrt(share))


def test_the_part_of_a_square_inside_the_image() -> None:
    assert square_inside_image(CELLS, MIDDLE, 20.0) == pytest.approx(400)
    # Around pixel (4.5, 60.5): rows -0.5 to 14.5, columns 50.5 to 63.5.
    assert square_inside_image(CELLS, (4.5, 60.5), 20.0) == pytest.approx(15 * 13)


def test_the_fit_weighs_cells_by_area() -> None:
    """At the best fit the residual is orthogonal to the Gaussian, in the sum over pixels."""
    rows, cols = GRID.centers
    field = np.exp(-np.hypot(rows[:, None] - 30, cols - 34) / 12)
    fit = gaussian_fit(field, CELLS)
    assert fit is not None
    assert fit.major == pytest.approx(fit.minor, rel=0.1)
    turn = math.radians(fit.angle)
    down, right = rows[:, None] - fit.center[0], cols - fit.center[1]
    along = right * math.cos(turn) - down * math.sin(turn)
    across = right * math.sin(turn) + down * math.cos(turn)
    bell = np.exp(-(along**2) / (2 * fit.major**2) - across**2 / (2 * fit.minor**2))
    residual = fit.amplitude * bell - field
    assert (CELLS.areas * bell * residual).sum() == pytest.approx(0, abs=1e-3)
    assert abs((bell * residual).sum()) > 3e-3
