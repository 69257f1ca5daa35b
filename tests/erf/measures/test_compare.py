import math

import numpy as np
import pytest
from scipy import stats

from erf.errors import SettingError
from erf.geometry import PatchGrid
from erf.measures import compare
from erf.measures.ratios import ratio_over_images
from erf.results import UnitResult
from strategies.fields import as_result, draw, truth

GRID = PatchGrid((256, 256), patch=16, stride=16)
CENTER = (127.5, 127.5)


def probe(sigma: float, seed: int, image: str = "a") -> UnitResult:
    return as_result(GRID, draw(truth(GRID, CENTER, sigma), 8, seed, freedom=50), image=image)


def images(
    factor: float, seed: int, names: str = "abcdef", spread: float = 0.3
) -> list[UnitResult]:
    """Sizes that differ a lot between images, and by ``factor`` between networks."""
    rng = np.random.default_rng(7)
    sigmas = {name: 25 * math.exp(spread * rng.standard_normal()) for name in "abcdefghijkl"}
    return [probe(factor * sigmas[name], seed + i, name) for i, name in enumerate(names)]


def test_one_image_each_is_judged_by_its_draws() -> None:
    first, second = compare({"small": [probe(25, 0)], "large": [probe(30, 1)]})
    assert first.ratio is None
    assert second.ratio is not None
    assert second.ratio.method == "draws"
    assert second.ratio.value == pytest.approx(1.44, rel=0.05)
    assert second.ratio.low < second.ratio.value < second.ratio.high
    assert second.ratio.significant


def test_two_probes_of_one_field_rarely_differ() -> None:
    """Five in a hundred; and the interval excludes 1 exactly when the test says so."""
    found = 0
    for seed in range(30):
        rows = compare({"a": [probe(25, seed)], "b": [probe(25, 1000 + seed)]}, resamples=199)
        ratio = rows[1].ratio
        assert ratio is not None
        assert ratio.significant == (not ratio.low <= 1 <= ratio.high)
        found += ratio.significant
    assert found <= 5


def test_pairing_over_images_sees_what_images_hide() -> None:
    """A change of 6 % in area, where images differ by a factor of two."""
    paired = compare({"before": images(1.0, 0), "after": images(1.03, 50)}, resamples=0)[1].ratio
    other = compare({"before": images(1.0, 0), "after": images(1.03, 50, "ghijkl")}, resamples=0)[
        1
    ].ratio
    assert paired is not None
    assert other is not None
    assert paired.method == "paired"
    assert paired.value == pytest.approx(1.06, abs=0.02)
    assert paired.significant
    assert other.method == "images"
    assert not other.significant


def test_different_images_are_compared_by_welchs_test() -> None:
    """Unequal numbers and spreads: the textbook's statistic and degrees of freedom."""
    few, many = np.exp([1.0, 1.9, 2.8]), np.exp([0.9, 1.0, 1.1, 1.2, 0.8, 1.0, 0.95, 1.05])
    parts = [np.log(each).var(ddof=1) / len(each) for each in (few, many)]
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / 2 + parts[1] ** 2 / 7)
    found = ratio_over_images(few, many, None, 0.95)
    assert found.value == pytest.approx(math.exp(1.9 - 1.0))
    assert found.p == pytest.approx(2 * stats.t.sf(0.9 / math.sqrt(sum(parts)), freedom))
    reach = stats.t.ppf(0.975, freedom) * math.sqrt(sum(parts))
    assert (found.low, found.high) == pytest.approx((math.exp(0.9 - reach), math.exp(0.9 + reach)))


def test_relative_errors_of_two_probes_add_in_squares() -> None:
    first, second = compare({"small": [probe(25, 0)], "large": [probe(25.2, 1)]})
    ratio, parts = second.ratio, []
    for row in (first, second):
        interval = row.measurement.size().interval
        assert interval is not None
        parts.append(interval.standard_error / interval.corrected)
    assert ratio is not None
    error = math.sqrt(parts[0] ** 2 + parts[1] ** 2)
    assert math.log(ratio.high / ratio.low) == pytest.approx(2 * 1.95996 * error, rel=1e-4)
    middle = math.log(ratio.high * ratio.low) / 2
    assert ratio.p == pytest.approx(math.erfc(abs(middle) / error / math.sqrt(2)))
    assert 1e-4 < ratio.p < 0.5


def test_several_images_are_measured_by_their_average() -> None:
    row = compare({"a": images(1.0, 0), "b": images(1.2, 50)}, resamples=0)[0]
    assert row.images == row.measurement.draws == 6


def test_the_order_of_images_does_not_matter() -> None:
    forward = compare({"a": images(1.0, 0), "b": images(1.1, 50)}, resamples=0)[1].ratio
    backward = compare({"a": images(1.0, 0), "b": images(1.1, 50)[::-1]}, resamples=0)[1].ratio
    assert forward is not None
    assert backward is not None
    assert forward.p == pytest.approx(backward.p)


def test_swapping_two_results_inverts_the_ratio() -> None:
    ab = compare({"a": images(1.0, 0), "b": images(1.2, 50)}, resamples=0)[1].ratio
    ba = compare({"b": images(1.2, 50), "a": images(1.0, 0)}, resamples=0)[1].ratio
    assert ab is not None
    assert ba is not None
    assert (1 / ba.high, 1 / ba.value, 1 / ba.low) == pytest.approx((ab.low, ab.value, ab.high))


def test_several_comparisons_are_adjusted() -> None:
    groups = {name: [probe(25, seed)] for seed, name in enumerate("abcdef")}
    ratios = [row.ratio for row in compare(groups).rows[1:]]
    assert all(each is not None and each.p_adjusted >= each.p for each in ratios)
    assert any(each is not None and each.p_adjusted > each.p for each in ratios)


def test_without_draws_nothing_is_claimed() -> None:
    one = as_result(GRID, draw(truth(GRID, CENTER, 25), 1, 0))
    two = as_result(GRID, draw(truth(GRID, CENTER, 30), 1, 1))
    ratio = compare({"a": [one], "b": [two]})[1].ratio
    assert ratio is not None
    assert ratio.value > 1
    assert math.isnan(ratio.p)
    assert not ratio.significant


def test_what_cannot_be_compared() -> None:
    with pytest.raises(SettingError, match="at least 2 results, not 1"):
        compare({"a": [probe(25, 0)]})
    with pytest.raises(SettingError, match="at least one result of a probe is needed, not 0"):
        compare({"a": [probe(25, 0)], "b": []})
    with pytest.raises(SettingError, match="'significant' grows with the number of draws"):
        compare({"a": [probe(25, 0)], "b": [probe(25, 1)]}, criterion="significant")
