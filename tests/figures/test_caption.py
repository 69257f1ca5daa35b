"""Captions: every number and name in them, recomputed."""

from dataclasses import replace
from functools import partial

import pytest

import erf
from erf.geometry import Box
from erf.theoretical import UnitTheory
from figures.caption import field_caption, image_note, spread, stimulus_note, theory_note
from figures.compare import compare_caption
from figures.outlines import DEFAULT_OUTLINES
from strategies.results import gaussian_result

quick = partial(erf.measure, resamples=50)


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_the_interval_is_of_the_side_and_says_when_bias_moved_it():
    measurement = quick(gaussian_result())
    low, high = (bound**0.5 for bound in measurement.interval())
    text = plain(spread(measurement))
    assert text.startswith(f" (95 % interval {low:.0f} to {high:.0f}")
    assert ("once corrected" in text) == (not low <= measurement.side <= high)
    assert spread(erf.measure(gaussian_result(), resamples=0)) == ""
    assert plain(spread(quick(gaussian_result(), level=0.5))).startswith(" (50 % interval")


def test_a_field_is_named_with_model_unit_size_lines_and_stimulus():
    result = gaussian_result()
    measurement = quick(result)
    text = plain(field_caption(result, measurement, DEFAULT_OUTLINES))
    assert text.startswith(f"ParseNet, fc7@7,6 {measurement.summary}: smallest area with 95.45 % ")
    assert f"side of equal area {measurement.area**0.5:.0f} px (95 % interval" in text
    assert "solid 95.45 % of the mass" in text
    assert "dashed 50 % of the mass" in text
    assert text.endswith("4 draws of the gaussian stimulus.")


def test_what_disturbed_the_patches_and_how_often():
    one = replace(gaussian_result(), draws=1)
    assert plain(stimulus_note(one)) == "1 draw of the gaussian stimulus"
    assert plain(stimulus_note(replace(one, draws=3))) == "3 draws of the gaussian stimulus"
    assert plain(image_note(one)) == "240 × 208 px; patch 16, stride 8 px"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("exact", "60 × 40 px, 12 % of the image"),
        ("upper_bound", "at most 60 × 40 px, 12 % of the image"),
        ("whole_image", "the whole image (global pooling)"),
    ],
)
def test_the_theoretical_field_and_what_of_the_image_it_covers(status, words):
    unclipped = Box(-30, 0, 30, 40)  # the lower half inside: 30 x 40 of 100 x 100
    reasons = ("global pooling",)
    theory = UnitTheory(unclipped.clip((100, 100)), (60, 40), unclipped, status, reasons)
    assert plain(theory_note(theory, (100, 100))) == words
    assert theory_note(None, (100, 100)) == "not derived for this model"


def test_a_unit_without_a_size_of_its_layer_has_that_of_its_own_box():
    box = Box(10, 0, 30, 50)
    assert plain(theory_note(UnitTheory(box, None, None, "exact", ()), (100, 100))) == (
        "20 × 50 px, 10 % of the image"
    )
    beyond = Box(-10, 0, 30, 50)
    theory = UnitTheory(beyond.clip((100, 100)), None, beyond, "exact", ())
    assert plain(theory_note(theory, (100, 100))) == ("40 × 50 px, 15 % of the image")


def test_a_comparison_names_the_lines_that_are_drawn():
    found = [quick(gaussian_result(seed=seed)) for seed in (0, 1)]
    text = plain(compare_caption(("a", "b"), found, True))
    shares = [f"{100 * each.area / (240 * 208):.0f} %" for each in found]
    assert f"heard (smallest area with 95.45 % of the mass): a {shares[0]}, b {shares[1]}." in text
    assert "lines: 95.45 % of the mass and 50 % of the mass." in text
    assert "less that of a. Bands and bars: 95 % intervals over draws." in text
    half = [quick(gaussian_result(), criterion="mass:0.5")] * 2
    assert "lines: 50 % of the mass." in plain(compare_caption(("a", "b"), half, False))
    assert "less that of" not in compare_caption(("a", "b"), half, False)


def test_a_recentred_average_is_not_called_a_share_of_the_image():
    results = [gaussian_result(unit=unit) for unit in ((3, 3), (7, 6))]
    measurement = erf.measure(erf.calibrate(results), resamples=0)
    text = compare_caption(("a", "b"), [measurement, measurement], False)
    assert "of the image" not in text
    assert "map, recentred on the unit" in text
    assert "of the image" not in measurement.summary
