"""Sizes over photos: intervals and tests on simulated studies whose truth is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from benchmarks.study_statistics import (
    SIZE,
    World,
    apart,
    coverage,
    false_alarms,
    maps,
    study,
    true_size,
)
from erf.measures import PhotoSizes, mass_area, measure, typical

QUIET = World(freedom=100_000_000)


def fields(photos: int, units: int, world: World = QUIET, seed: int = 0):
    return study(world, photos, units, np.random.default_rng(seed))


def test_without_noise_it_is_the_geometric_mean_and_students_interval() -> None:
    found = fields(6, 3)
    sizes = [float(mass_area(each.values, each.cells.areas, 0.9545)) for each in found]
    logs = np.log(sizes).reshape(6, 3).mean(axis=1)
    low, high = stats.t.interval(0.9, 5, loc=logs.mean(), scale=stats.sem(logs))
    got = typical(found, SIZE, level=0.9)
    assert (got.over, got.images, got.units, got.draws) == ("images", 6, 3, 4)
    assert got.area == pytest.approx(math.exp(logs.mean()), rel=1e-3)
    assert (got.low, got.high) == pytest.approx((math.exp(low), math.exp(high)), rel=1e-3)


def test_units_of_one_photo_are_no_photos() -> None:
    found = fields(1, 4, World())
    got = typical(found, SIZE)
    assert (got.over, got.images, got.units) == ("draws", 1, 4)
    assert got.low < got.area < got.high
    assert typical(apart(found), SIZE).over == "images"


def test_one_field_is_what_measure_says() -> None:
    (one,) = fields(1, 1, World())
    got, expected = typical([one], SIZE), measure(one)
    assert got.area == expected.area
    assert (got.low, got.high) == expected.interval()
    assert got.over == "draws"
    (bare,) = (replace(one, samples=None),)
    assert typical([bare], SIZE).over == "nothing"
    assert math.isnan(typical([bare], SIZE).low)


def test_the_bias_of_few_draws_is_taken_away() -> None:
    world = World(photos=0.0, units=0.0, draws=4, freedom=1)
    truth, found = true_size(world, 2), fields(60, 1, world)
    plain = [math.log(measure(each, resamples=0, sizes=()).area) for each in found]
    corrected = PhotoSizes.of(found, SIZE).logs
    assert abs(corrected.mean() - truth) < 0.75 * abs(np.mean(plain) - truth)


def test_no_share_is_above_one() -> None:
    world = World(sigma=400.0)
    found = fields(3, 2, world)
    reach = np.zeros(found[0].values.shape, dtype=bool)
    reach[:6] = True
    for each in (found, [replace(each, reachable=reach) for each in found]):
        got = typical(each, SIZE)
        assert got.share_of_image <= 1
        assert got.high <= found[0].cells.areas.sum() * (1 + 1e-9)
    assert got.share_of_image <= 0.5
    assert got.share_of_visible == pytest.approx(got.share_of_image * 2)


def test_the_truth_of_the_simulation_is_what_many_photos_show() -> None:
    sigmas = 26 * np.exp(np.random.default_rng(5).normal(0, 0.13, 4000))
    areas = mass_area(maps(sigmas), fields(1, 1)[0].cells.areas, 0.9545)
    assert true_size(World()) == pytest.approx(np.log(areas).mean(), abs=0.02)


def test_intervals_over_photos_cover_and_those_over_units_do_not() -> None:
    assert 0.9 <= coverage(World(), 5, 2, 60) <= 1
    assert coverage(World(), 5, 4, 40, wrongly=True) < 0.85


@pytest.mark.slow
@pytest.mark.parametrize("photos", [5, 10, 20])
@pytest.mark.parametrize("units", [1, 4])
def test_95_per_cent_intervals_cover_in_92_to_98(photos: int, units: int) -> None:
    assert 0.92 <= coverage(World(), photos, units, 500) <= 0.98


@pytest.mark.slow
@pytest.mark.parametrize("photos", [5, 10, 20])
def test_equal_models_are_called_different_in_at_most_6_per_cent(photos: int) -> None:
    assert false_alarms(World(), photos, 4, 500) <= 0.06
    assert false_alarms(World(), photos, 4, 100, wrongly=True) > 0.12
