import numpy as np
import pytest

from erf.errors import SettingError
from erf.geometry import Box, PatchGrid
from erf.measures import inside_significant, measure, p_values
from strategies.fields import as_result, draw, truth

GRID = PatchGrid((256, 256), patch=16, stride=16)
CENTER = (127.5, 127.5)


def test_without_effect_at_most_five_percent_are_called() -> None:
    """Rounding everywhere, its level known: per test, per patch and per probe."""
    calls, called, probes = 0, 0, 500
    for probe in range(probes):
        noise = draw(np.full(GRID.shape, 1e-6), 8, probe, freedom=3)
        assert (p_values(noise, 1e-6) < 0.05).mean() <= 0.08
        inside = inside_significant(noise, 1e-6)
        calls += inside.sum()
        called += bool(inside.any())
    assert calls / (probes * len(GRID)) <= 0.05
    assert called / probes <= 0.05


def test_false_discoveries_stay_below_the_rate() -> None:
    """Half of the patches are heard; of those called heard at most 5 % are not."""
    heard = np.zeros(GRID.shape, dtype=bool)
    heard[:8] = True
    wrong = []
    for probe in range(200):
        samples = draw(np.where(heard, 2.5e-6, 1e-6), 8, probe, freedom=3)
        inside = inside_significant(samples, 1e-6)
        wrong.append((inside & ~heard).sum() / max(1, inside.sum()))
        assert inside[heard].mean() > 0.5
    assert np.mean(wrong) <= 0.05


def test_exact_engines_hear_whatever_is_not_zero() -> None:
    samples = draw(truth(GRID, CENTER, 20.0), 4, 0)
    np.testing.assert_array_equal(inside_significant(samples), samples.mean(axis=0) > 0)


def test_equal_draws_are_decided_by_the_floor() -> None:
    samples = np.broadcast_to(np.array([[1.0, 3.0]]), (4, 1, 2))
    np.testing.assert_array_equal(p_values(samples, 2.0), [[1.0, 0.0]])


def test_significant_field_of_a_dense_probe() -> None:
    """Inside the theoretical field and above what patches outside it show."""
    theory = Box(60, 60, 196, 196)
    mean = truth(GRID, CENTER, 30.0)
    rounding = draw(np.full(GRID.shape, 1e-4), 8, 1, freedom=3)
    rows, cols = GRID.centers
    outside = (abs(rows - 127.5)[:, None] > 76) | (abs(cols - 127.5) > 76)
    samples = np.where(outside, 0, draw(mean, 8, 0)) + rounding
    result = as_result(GRID, samples, theory=theory, engine="dense")
    found = measure(result, criterion="significant")
    assert found.floor.source == "outside"
    assert 1e-4 < found.floor.value < 3e-4
    assert found.area == pytest.approx(16**2 * (~outside & (mean > 4e-4)).sum(), rel=0.05)
    assert found.area <= 160**2


def test_a_test_needs_two_draws() -> None:
    with pytest.raises(SettingError, match="at least 2 draws, not 1"):
        p_values(np.ones((1, 4, 4)))
    with pytest.raises(SettingError, match="alpha 5 must lie between 0 and 1"):
        inside_significant(np.ones((2, 4, 4)), alpha=5)
