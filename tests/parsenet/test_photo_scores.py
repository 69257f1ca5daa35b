"""Intervals and paired tests of scores, held against plain loops and known answers."""

import numpy as np
import pytest
from scipy.stats import binomtest

from parsenet import DatasetError, Scores
from parsenet.photo_scores import (
    RESAMPLES,
    PhotoScores,
    mean_ious,
    paired_difference,
    said_interval,
)

RNG = np.random.default_rng(0)


def scored(right, photos=30, classes=3, seed=0, names=None):
    """Photos of which each pixel is called right with a chance of its own."""
    rng = np.random.default_rng(seed)
    chance = np.clip(right + rng.normal(0, 0.1, photos), 0.05, 0.95)
    confusions = np.zeros((photos, classes, classes), np.int64)
    for k in range(photos):
        for true in range(classes):
            hits = rng.binomial(100, chance[k])
            confusions[k, true, true] = hits
            confusions[k, true, (true + 1) % classes] = 100 - hits
    return PhotoScores(tuple(names or (f"d{k // 10}_{k}" for k in range(photos))), confusions)


def test_mean_ious_are_those_of_scores_also_where_classes_are_absent():
    confusions = RNG.integers(0, 9, (20, 4, 4))
    confusions[5, 2] = 0
    confusions[6, :, 1] = confusions[6, 1] = 0
    expected = [Scores(each).mean_iou for each in confusions]
    np.testing.assert_allclose(mean_ious(confusions.astype(float)), expected)
    assert np.isnan(mean_ious(np.zeros((1, 4, 4)))).all()


def test_an_interval_is_that_of_a_plain_bootstrap():
    scores = scored(0.6)
    low, high = scores.interval()
    rng = np.random.default_rng(7)
    plain = []
    for _ in range(2000):
        drawn = scores.confusions[rng.integers(0, 30, 30)].sum(axis=0)
        plain.append(Scores(drawn).mean_iou)
    wanted = np.quantile(plain, [0.025, 0.975])
    np.testing.assert_allclose([low, high], wanted, atol=0.1 * (wanted[1] - wanted[0]))
    assert low < scores.total.mean_iou < high
    assert scores.interval() == (low, high)


def test_intervals_hold_what_they_promise():
    """Of means of equal photos the truth is known: nine of ten and more hold it."""
    held = 0
    for seed in range(100):
        rng = np.random.default_rng((1, seed))
        hits = rng.binomial(100, np.clip(rng.normal(0.6, 0.1, 40), 0, 1))
        confusions = np.zeros((40, 2, 2), np.int64)
        confusions[:, 0, 0], confusions[:, 0, 1] = hits, 100 - hits
        low, high = PhotoScores(tuple(map(str, range(40))), confusions).interval(seed=seed)
        held += low <= 0.6 <= high
    assert binomtest(held, 100, 0.93).pvalue > 0.01


def test_groups_are_drawn_together():
    scores = scored(0.6)
    drives = scores.grouped("drive")
    assert drives.groups == tuple(f"d{k // 10}" for k in range(30))
    assert drives.units().shape == (3, 3, 3)
    assert (drives.units()[1] == scores.confusions[10:20].sum(axis=0)).all()
    assert scores.grouped(r"(d\d)_").groups == drives.groups
    low, high = drives.interval()
    of_three = [Scores(each).mean_iou for each in drives.units()]
    assert min(of_three) - 1e-9 <= low <= high <= max(of_three) + 1e-9


@pytest.mark.parametrize(
    ("how", "words"), [("(", "group '\\(' is no pattern"), ("x", "does not fit the name 'd0_0'")]
)
def test_groups_that_cannot_be(how, words):
    with pytest.raises(DatasetError, match=words):
        scored(0.5).grouped(how)


def test_a_clear_difference_is_one_and_none_is_none():
    better, worse = scored(0.8, seed=1), scored(0.6, seed=2)
    found = paired_difference(better, worse)
    assert found.difference == pytest.approx(better.total.mean_iou - worse.total.mean_iou)
    assert 0 < found.low < found.difference < found.high
    assert found.p == 1 / (1 + RESAMPLES)
    other_way = paired_difference(worse, better)
    assert (other_way.difference, other_way.p) == (-found.difference, found.p)
    same = paired_difference(better, better)
    assert (same.difference, same.low, same.high, same.p) == (0, 0, 0, 1)


def test_p_is_even_where_nothing_differs():
    """Two scorings of the same chance: p below 0.2 in a fifth of the cases."""
    small = sum(
        paired_difference(scored(0.6, 12, seed=2 * k), scored(0.6, 12, seed=2 * k + 1)).p < 0.2
        for k in range(100)
    )
    assert binomtest(small, 100, 0.2).pvalue > 0.01


def test_p_of_three_photos_counts_the_eight_ways():
    """One of them and its mirror image are as large: two of eight."""
    first, second = scored(0.9, 3, seed=3), scored(0.3, 3, seed=4)
    assert paired_difference(first, second).p == pytest.approx(2 / 8, abs=0.03)


def test_what_cannot_be_paired():
    with pytest.raises(DatasetError, match="scores of different photos cannot be paired"):
        paired_difference(scored(0.5), scored(0.5, names=[f"e_{k}" for k in range(30)]))
    with pytest.raises(DatasetError, match="a difference over 1 photos says nothing"):
        paired_difference(scored(0.5, 1), scored(0.5, 1))
    assert scored(0.5, 1).interval() is None
    assert said_interval(None) == ""


def test_fcns_mean_counts_a_class_that_is_called_and_never_true():
    """As in its score.py: nanmean(diag / (rows + columns - diag))."""
    scores = Scores(np.array([[5, 1, 2, 0], [0, 4, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]))
    diagonal = np.diag(scores.confusion)
    with np.errstate(invalid="ignore"):
        iou = diagonal / (scores.confusion.sum(1) + scores.confusion.sum(0) - diagonal)
    assert scores.mean_iou_called == pytest.approx(np.nanmean(iou))
    assert scores.mean_iou == pytest.approx(np.mean(iou[:2]))
    assert scores.mean_iou_called < scores.mean_iou
