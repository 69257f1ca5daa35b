import numpy as np
import pytest

from erf.measures.shrinkage import shrink_towards_neighbours
from strategies.fields import draw


def neighbours(field: np.ndarray) -> np.ndarray:
    """Mean of the neighbours that there are, up to eight, one shift at a time."""
    framed = np.pad(field, 1, constant_values=np.nan)
    rows, cols = field.shape
    shifts = [(r, c) for r in range(3) for c in range(3) if (r, c) != (1, 1)]
    return np.nanmean([framed[r : r + rows, c : c + cols] for r, c in shifts], axis=0)


def weight(samples: np.ndarray) -> float:
    """How much of each value's distance from its neighbours was left."""
    mean = samples.mean(axis=0)
    before = mean - neighbours(mean)
    after = shrink_towards_neighbours(samples) - neighbours(mean)
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.999
    return float((before * after).sum() / np.square(before).sum())


@pytest.mark.parametrize("texture", [0.1, 0.2])
def test_what_is_left_is_the_share_of_the_map_s_own_variance(texture: float) -> None:
    """James and Stein: own variance over own and noise, both known here."""
    weights, shares = [], []
    for seed in range(60):
        own = np.random.default_rng(seed).normal(1, texture, (24, 24)).clip(0.1)
        samples = draw(own, 8, seed, freedom=10)
        noise = samples[:, own > 0.5].std(axis=0, ddof=1).mean() ** 2 / 8
        weights.append(weight(samples))
        shares.append(own.var() / (own.var() + noise))
    assert np.mean(weights) == pytest.approx(np.mean(shares), abs=0.04)


def test_a_shrunken_map_is_nearer_to_the_truth() -> None:
    rows, cols = np.indices((24, 24)) - 11.5
    mean = np.exp(-(rows**2 + cols**2) / 200)
    samples = draw(mean, 4, 0, freedom=3)
    error = np.square(shrink_towards_neighbours(samples) - mean).sum()
    assert error < 0.5 * np.square(samples.mean(axis=0) - mean).sum()


def test_zeros_stay_zeros() -> None:
    samples = draw(np.eye(12), 4, 0)
    assert (shrink_towards_neighbours(samples)[samples.mean(axis=0) == 0] == 0).all()
