"""Border against middle: sizes, shifts and distances of fields whose truth is a formula."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy import stats

import erf
import figures
from erf.geometry import Target
from strategies.results import gaussian_result, gaussian_side
from strategies.tidy import assert_tidy

SIGMA = (14.0, 18.0)
UNITS = {(1, 6): 24.0, (7, 6): 104.0, (7, 11): 24.0, (13, 6): 24.0, (9, 5): 88.0}
"""Of 15 x 13 in 240 x 208 pixels: 16 pixels a unit; to the pixels of the nearest border."""


draw = partial(figures.place_figure, by=partial(erf.measure, resamples=0))


def result(unit, scale=1.0, image_name="a.jpg", layer="fc7", **more):
    sigma = (scale * SIGMA[0], scale * SIGMA[1])
    values = {"patch": 8, "stride": 4, "tail": 0.0, "draws": 40}
    made = gaussian_result(
        unit=unit, sigma=sigma, image_name=image_name, layer=layer, **(values | more)
    )
    return replace(made, origin=with_photo(made.origin, image_name))


def with_photo(origin, name):
    return {**origin, "image": {**origin["image"], "sha256": name, "photo": {"sha256": name}}}


def side_of(scale):
    return gaussian_side((scale * SIGMA[0], scale * SIGMA[1]))


def test_the_map_shows_each_unit_at_its_centre_with_the_size_of_its_field():
    figure = draw([result(unit) for unit in UNITS])
    left, right, _ = figure.axes
    dots, arrows = left.collections
    rows, cols = (np.array(sorted(UNITS)) + 0.5).T * 16 - 0.5
    np.testing.assert_allclose(dots.get_offsets(), np.stack([cols, rows], axis=1))
    inside = np.array([UNITS[unit] > 50 for unit in sorted(UNITS)])
    sizes = np.asarray(dots.get_array())
    np.testing.assert_allclose(sizes[inside], side_of(1), rtol=0.03)
    # The border cuts a field: it is smaller, and its centroid is that of a truncated Gaussian.
    assert sizes[~inside].max() < 0.97 * side_of(1)
    shifts = dict(zip(sorted(UNITS), zip(arrows.V, arrows.U, strict=True), strict=True))
    down, across = (s * stats.norm.pdf(24 / s) / stats.norm.cdf(24 / s) for s in SIGMA)
    expected = {(1, 6): (down, 0), (13, 6): (-down, 0), (7, 11): (0, -across), (7, 6): (0, 0)}
    for unit, shift in expected.items():
        np.testing.assert_allclose(shifts[unit], shift, atol=0.3)
    profile = {line.get_label(): line for line in right.lines}
    order = sorted(UNITS, key=lambda unit: (UNITS[unit], unit))
    assert list(profile["side"].get_xdata()) == [UNITS[unit] for unit in order]
    assert list(profile["side"].get_ydata()) == [sizes[sorted(UNITS).index(u)] for u in order]
    lengths = [math.hypot(*shifts[unit]) for unit in order]
    np.testing.assert_allclose(profile["shift of the centroid"].get_ydata(), lengths)


def test_an_arrow_goes_from_the_unit_to_where_its_field_is():
    elsewhere = replace(result((7, 6), theory=None), target=Target("fc7", (6, 8), None))
    figure = draw([elsewhere, result((2, 2), theory=None)])
    arrows = figure.axes[0].collections[1]
    # From unit (6, 8) to (7, 6): a unit down, two to the left.
    np.testing.assert_allclose((arrows.V[1], arrows.U[1]), (16, -32), atol=1.0)
    figure.draw_without_rendering()
    tips = arrows.get_paths()[1].vertices
    tip = tips[np.hypot(*tips.T).argmax()]
    assert tip[0] < 0
    assert tip[1] < 0  # the figure's own rows count upwards, those of the image downwards


def test_intervals_are_students_over_photos_and_a_unit_counts_a_photo_once():
    scales = {"a.jpg": 0.9, "b.jpg": 1.0, "c.jpg": 1.15}
    made = [
        result(unit, scale, name) for unit in ((7, 6), (7, 7)) for name, scale in scales.items()
    ]
    figure = draw([*made, *made])  # asked for twice, as center and in a grid
    right = figure.axes[1]
    truth = stats.ttest_1samp([math.log(side_of(each)) for each in scales.values()], 0)
    expected = np.exp(truth.confidence_interval(0.95))
    drawn = right.collections[0].get_segments()[0][:, 1]
    np.testing.assert_allclose(drawn, expected, rtol=0.03)
    assert figure.subfigs[0]._suptitle.get_text() == "ParseNet fc7, 2 units, 3 photos"


@pytest.mark.parametrize("layers", [1, 3])
def test_a_row_a_layer_is_tidy(layers):
    made = [result(unit, layer=f"conv{n}") for n in range(layers) for unit in UNITS]
    figure = draw(made)
    assert len(figure.axes) == 3 * layers
    assert_tidy(figure)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ([result((7, 6))], "fc7: 1 unit shows no difference of place; probe units such as grid:5"),
        ([result((7, 6)), result((7, 5), size=(120, 104))], "photos of other sizes"),
        ([result((7, 6)), result((7, 5), patch=16)], "measured with patch 16, .* with 8"),
        ([result((7, 6), layer=f"conv{n}") for n in range(7)], "7 layers .* more than 6"),
    ],
)
def test_what_cannot_stand_in_one_figure_is_refused(made, words):
    with pytest.raises(erf.SettingError, match=words):
        draw(made)
