"""Every size of one exact Gaussian (sigma 30, 257x257 pixels, unit at the centre)."""

import math

import numpy as np
import pytest

from erf.measures import (
    Cells,
    above_share_of_peak,
    centred_square,
    gaussian_fit,
    inside_mass,
    mass_area,
    moments,
    participation_area,
    radial_profile,
)

SIZE, SIGMA, MIDDLE = 257, 30.0, (128.0, 128.0)
CELLS = Cells.of_pixels((SIZE, SIZE))
AXIS = np.arange(SIZE) - 128.0
FIELD = np.exp(-(AXIS[:, None] ** 2 + AXIS**2) / (2 * SIGMA**2))


def test_luo_size() -> None:
    assert math.sqrt(above_share_of_peak(FIELD, CELLS.areas)) == pytest.approx(132.185, abs=5e-4)


def test_participation_area() -> None:
    assert participation_area(FIELD, CELLS.areas) == pytest.approx(11308.9, abs=0.05)


@pytest.mark.parametrize(("share", "pixels"), [(0.5, 3920), (0.9, 13020), (0.9545, 17470)])
def test_smallest_set_that_holds_a_share(share: float, pixels: int) -> None:
    assert inside_mass(FIELD, CELLS.areas, share).sum() == pixels
    assert math.ceil(mass_area(FIELD, CELLS.areas, share)) == pixels


@pytest.mark.parametrize(("share", "side"), [(0.2, 37), (0.3, 47), (0.5, 65), (0.99, 169)])
def test_centred_square(share: float, side: int) -> None:
    assert centred_square(FIELD, CELLS, MIDDLE, share, whole=True) == side
    inside = FIELD[128 - side // 2 : 129 + side // 2, 128 - side // 2 : 129 + side // 2].sum()
    assert inside / FIELD.sum() >= share
    smaller = FIELD[129 - side // 2 : 128 + side // 2, 129 - side // 2 : 128 + side // 2].sum()
    assert smaller / FIELD.sum() < share


def test_the_two_gaussian_criteria_agree() -> None:
    """The area above 4.55 % of the peak and the one that holds 95.45 % of the mass."""
    level = above_share_of_peak(FIELD, CELLS.areas)
    assert mass_area(FIELD, CELLS.areas) == pytest.approx(level, rel=1e-3)


def test_radial_mass_is_rayleigh() -> None:
    profile = radial_profile(FIELD, CELLS, MIDDLE, step=5.0)
    expected = 1 - np.exp(-(profile.radius**2) / (2 * SIGMA**2))
    inner = profile.radius <= 100
    np.testing.assert_allclose(profile.cumulative[inner], expected[inner], atol=5e-3)
    assert profile.cumulative[-1] == pytest.approx(1)


@pytest.mark.parametrize("angle", [-60.0, 0.0, 25.0, 90.0])
def test_fit_and_moments_of_a_tilted_gaussian(angle: float) -> None:
    turn = math.radians(angle)
    down, right = AXIS[:, None] - 7.0, AXIS - 3.0
    along = right * math.cos(turn) - down * math.sin(turn)
    across = right * math.sin(turn) + down * math.cos(turn)
    field = 2.5 * np.exp(-(along**2) / (2 * 20**2) - across**2 / (2 * 10**2))
    fit = gaussian_fit(field, CELLS)
    assert fit is not None
    assert fit.amplitude == pytest.approx(2.5)
    assert fit.center == pytest.approx((135.0, 131.0))
    assert (fit.major, fit.minor) == pytest.approx((20.0, 10.0))
    assert (fit.angle - angle + 90) % 180 - 90 == pytest.approx(0, abs=1e-6)
    assert fit.r_squared == pytest.approx(1)
    found = moments(field, CELLS)
    assert found.offset(MIDDLE) == pytest.approx((7.0, 3.0), abs=0.01)
    assert found.anisotropy == pytest.approx(2, rel=1e-3)
    assert (found.angle - angle + 90) % 180 - 90 == pytest.approx(0, abs=1e-2)
