"""The page's tables against the measures they stand for."""

import numpy as np
import pytest

from erf.measures import Cells, inside_mass, inside_share_of_peak, mass_area
from figures.report.thresholds import (
    MASS_SHARES,
    PEAK_SHARES,
    mass_areas,
    mass_levels,
    peak_levels,
)
from strategies.results import influence_result


@pytest.fixture(scope="module")
def influence():
    return influence_result(units=(3, 2))


@pytest.fixture(scope="module")
def fields(influence):
    maps = np.moveaxis(influence.discrepancy, (2, 3), (0, 1)).reshape(6, *influence.grid.shape)
    maps[5] = 0
    maps[4] = np.round(maps[4], 1)
    return maps


def test_a_cell_is_inside_at_a_share_of_the_peak_exactly_when_measure_says_so(fields):
    levels = peak_levels(fields)
    for index, share in enumerate(PEAK_SHARES):
        np.testing.assert_array_equal(levels > index, inside_share_of_peak(fields, share))


def test_a_cell_is_inside_at_a_share_of_the_mass_exactly_when_measure_says_so(influence, fields):
    areas = influence.grid.areas
    levels = mass_levels(fields, areas)
    for index, share in enumerate(MASS_SHARES):
        for field, level in zip(fields, levels, strict=True):
            inside = level >= len(MASS_SHARES) - index
            np.testing.assert_array_equal(inside, inside_mass(field, areas, share))


def test_areas_are_those_of_measure(influence, fields):
    cells = Cells.of(influence.grid)
    table = mass_areas(fields, cells.areas)
    for unit, field in enumerate(fields):
        for index, share in enumerate(MASS_SHARES):
            assert table[unit, index] == mass_area(field, cells.areas, share)


def test_thresholds_ascend_and_fit_a_byte():
    for shares in (PEAK_SHARES, MASS_SHARES):
        assert list(shares) == sorted(set(shares))
        assert 0 < shares[0] < shares[-1] < 1
        assert len(shares) < 256


def test_the_headline_thresholds_are_on_the_slider():
    assert 0.9545 in MASS_SHARES
    assert 1 - 0.9545 in PEAK_SHARES
    assert {0.1, 0.5} <= set(PEAK_SHARES)
