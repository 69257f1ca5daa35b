import numpy as np
import pytest
from scipy.interpolate import BSpline

from parsenet.scenes.background import PATTERNS, background, smooth_noise, spline
from parsenet.scenes.color import oklch


@pytest.mark.parametrize(("size", "cells"), [(64, 1), (100, 3), (37, 8)])
def test_spline_weights_are_scipys_cubic_b_splines(size, cells):
    position = (np.arange(size) + 0.5) * cells / size
    knots = np.arange(-4, cells + 4)  # of scipy: basis i starts at knot i
    theirs = BSpline.design_matrix(position, knots.astype(float), 3).toarray()
    theirs = theirs[:, 1 : cells + 4]
    assert np.allclose(spline(size, cells), theirs, atol=1e-6)


def test_smooth_noise_fills_its_range_smoothly():
    plane = smooth_noise(np.random.default_rng(0), 128, cells=2)
    assert plane.min() == 0
    assert plane.max() == 1
    assert np.abs(np.diff(plane, axis=0)).max() < 0.1


def test_octaves_of_noise_weigh_less_the_finer_they_are():
    """The sum over octaves of scipy's splines through the same random knots."""
    random = np.random.default_rng(5)
    position, expected = (np.arange(96) + 0.5) / 96, 0.0
    for weight, cells in ((1.0, 2), (0.45, 4), (0.45**2, 8)):
        knots = random.standard_normal((cells + 3, cells + 3), dtype=np.float32)
        places = np.arange(-3, cells + 4, dtype=float)
        plane = BSpline(places, knots, 3, axis=0)(position * cells)
        expected += weight * BSpline(places, plane, 3, axis=1)(position * cells)
    expected = (expected - expected.min()) / np.ptp(expected)
    noise = smooth_noise(np.random.default_rng(5), 96, cells=2)
    np.testing.assert_allclose(noise, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("lightness", "chroma", "hue", "rgb"),
    [
        (1.0, 0.0, 0.0, (1, 1, 1)),
        (0.0, 0.0, 0.0, (0, 0, 0)),
        # sRGB's corners in OKLCH, from CSS Color 4 converters
        (0.62796, 0.25768, 29.234, (1, 0, 0)),
        (0.86644, 0.29483, 142.495, (0, 1, 0)),
        (0.45201, 0.31321, 264.052, (0, 0, 1)),
    ],
)
def test_oklch_of_known_colours(lightness, chroma, hue, rgb):
    assert np.allclose(oklch(lightness, chroma, hue).ravel(), rgb, atol=2e-3)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_stay_quiet(pattern):
    random = np.random.default_rng(1)
    plane = pattern(random, smooth_noise(random, 96, cells=2))
    assert plane.shape == (96, 96)
    assert np.abs(plane).max() <= 1.5


def test_backgrounds_differ_and_stay_in_range():
    images = [background(np.random.default_rng(seed), 64) for seed in range(30)]
    means = np.array([image.mean(axis=(1, 2)) for image in images])
    assert np.ptp(means, axis=0).min() > 0.2
    assert all(image.min() > 0 and image.max() < 1.15 for image in images)
