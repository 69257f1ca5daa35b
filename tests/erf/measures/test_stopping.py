import numpy as np
import pytest

from erf.errors import SettingError
from erf.geometry import PatchGrid
from erf.measures import precision
from strategies.fields import draw, truth

GRID = PatchGrid((256, 256), patch=16, stride=16)
MEAN = truth(GRID, (127.5, 127.5), 40.0, 0.3)


def run(tolerance: float, seed: int, limit: int = 256) -> tuple[int, bool]:
    """Draws until the rule says stop, and whether it was content."""
    everything = draw(MEAN, limit, seed, freedom=3)
    draws = 0
    while True:
        found = precision(everything[:draws], GRID.areas, tolerance=tolerance, limit=limit)
        if found.next_draws == draws:
            return draws, found.enough
        assert draws < found.next_draws <= max(4, 2 * draws)
        draws = found.next_draws


def test_a_tighter_tolerance_takes_more_draws() -> None:
    loose, tight = run(0.02, 0), run(0.005, 0)
    assert loose[1]
    assert tight[1]
    assert 4 <= loose[0] < tight[0] <= 256


def test_draws_grow_with_the_inverse_square_of_the_tolerance() -> None:
    draws = [np.mean([run(tolerance, seed)[0] for seed in range(4)]) for tolerance in (0.01, 0.005)]
    assert draws[1] / draws[0] == pytest.approx(4, rel=0.35)


def test_the_first_look_and_the_step_to_the_next() -> None:
    """Four draws tell something; the width falls with their root, so a fifth too wide takes 1.44
    times as many."""
    everything = draw(MEAN, 100, 0, freedom=3)
    assert precision(everything[:0], GRID.areas).next_draws == 4
    width = precision(everything, GRID.areas, tolerance=1).half_width
    found = precision(everything, GRID.areas, tolerance=width / 1.2, limit=1000)
    assert found.next_draws == pytest.approx(144, abs=1)


def test_the_limit_ends_it_without_claiming_success() -> None:
    draws, enough = run(1e-4, 0, limit=16)
    assert draws == 16
    assert not enough


def test_a_map_of_zeros_is_never_precise() -> None:
    found = precision(np.zeros((4, *GRID.shape)), GRID.areas, limit=8)
    assert not found.enough
    assert found.next_draws == 8


def test_settings_out_of_range() -> None:
    with pytest.raises(SettingError, match="tolerance 0 must be positive"):
        precision(np.ones((2, *GRID.shape)), GRID.areas, tolerance=0)
    with pytest.raises(SettingError, match="limit 1 must be at least 2 draws"):
        precision(np.ones((2, *GRID.shape)), GRID.areas, limit=1)
