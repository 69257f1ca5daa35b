"""What measures say at their edges: maps of zeros, of one row, of one photo or of two."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import erf
from erf.geometry import PatchGrid
from erf.measures import Cells, gaussian_fit, participation_area, radial_profile
from erf.measures.shrinkage import shrink_towards_neighbours
from figures.report.thresholds import PEAK_SHARES
from strategies.results import gaussian_result


def cells(rows: int, cols: int) -> Cells:
    return Cells.of(PatchGrid((8 * rows, 8 * cols), 8, 8))


def test_a_map_of_zeros_has_no_area_and_no_mass() -> None:
    zeros = np.zeros((4, 5))
    assert participation_area(zeros, cells(4, 5).areas) == 0
    assert (radial_profile(zeros, cells(4, 5), (16.0, 20.0)).cumulative == 0).all()


@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (2, 2)])
def test_no_gaussian_is_fitted_to_a_line_or_to_few_values(shape: tuple[int, int]) -> None:
    field = np.arange(1.0, shape[0] * shape[1] + 1).reshape(shape)
    assert gaussian_fit(field, cells(*shape)) is None


def test_two_values_near_the_peak_are_enough_to_tell_noise_from_texture() -> None:
    samples = np.zeros((4, 3, 4))
    samples[:, 1, 1:3] = [[1.0, 1.3], [1.2, 1.1], [0.9, 1.2], [1.1, 1.0]]
    mean = samples.mean(axis=0)
    assert not np.allclose(shrink_towards_neighbours(samples), mean)
    samples[:, 1, 2] = 0
    np.testing.assert_array_equal(shrink_towards_neighbours(samples), samples.mean(axis=0))


def test_an_average_around_units_shows_the_photo_only_where_it_is_one() -> None:
    one = gaussian_result(draws=2)
    origin = one.origin | {"image": one.origin["image"] | {"sha256": "f" * 64}}
    other = replace(one, origin=origin)
    assert erf.calibrate([one, one]).image is not None
    assert erf.calibrate([one, other]).image is None


def test_thresholds_are_round_shares() -> None:
    assert {0.001, 0.0015, 0.01, 0.015, 0.045, 0.05, 0.5, 0.99} <= set(PEAK_SHARES)
