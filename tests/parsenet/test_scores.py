"""Scores against numbers worked out by hand, and against torchmetrics' own classes."""

import numpy as np
import pytest
import torch
from torchmetrics.classification import MulticlassAccuracy, MulticlassJaccardIndex

from parsenet.scores import Scores

#          predicted:  0  1  2
HAND = np.array([[5, 1, 0], [2, 2, 0], [0, 0, 0]])


def test_hand_computed_scores():
    scores = Scores(HAND)
    assert scores.pixel_accuracy == 7 / 10
    assert np.allclose(scores.accuracy, [5 / 6, 2 / 4, np.nan], equal_nan=True)
    assert scores.mean_accuracy == pytest.approx((5 / 6 + 2 / 4) / 2)
    assert np.allclose(scores.iou, [5 / 8, 2 / 5, np.nan], equal_nan=True)
    assert scores.mean_iou == pytest.approx((5 / 8 + 2 / 5) / 2)
    assert scores.weighted_iou == pytest.approx(0.6 * 5 / 8 + 0.4 * 2 / 5)
    assert scores.mean_iou_of([1]) == 2 / 5


def test_a_class_that_is_only_predicted_does_not_enter_the_mean_but_costs_the_others():
    scores = Scores(np.array([[3, 1], [0, 0]]))
    assert np.isnan(scores.iou[1])
    assert scores.mean_iou == 3 / 4


def test_pixels_are_counted_by_true_and_predicted_class_without_void():
    predicted = torch.tensor([[0, 1, 1], [2, 2, 0]])
    true = torch.tensor([[0, 1, 0], [255, 2, 255]], dtype=torch.uint8)
    scores = Scores.none(3).with_pixels(predicted, true)
    assert scores.confusion.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]
    twice = scores + scores
    assert twice.confusion.tolist() == [[2, 2, 0], [0, 2, 0], [0, 0, 2]]


def test_scores_agree_with_torchmetrics():
    generator = torch.Generator().manual_seed(0)
    true = torch.randint(0, 5, (3, 20, 20), generator=generator)
    noise = torch.randint(0, 5, true.shape, generator=generator)
    predicted = torch.where(torch.rand(true.shape, generator=generator) < 0.6, true, noise)
    void = true.clone()
    void[:, :4] = 255
    scores = Scores.none(5)
    for one, other in zip(predicted, void, strict=True):
        scores = scores.with_pixels(one, other)
    ours = {
        ("iou", "macro"): scores.mean_iou,
        ("iou", "weighted"): scores.weighted_iou,
        ("accuracy", "macro"): scores.mean_accuracy,
        ("accuracy", "micro"): scores.pixel_accuracy,
    }
    kinds = {"iou": MulticlassJaccardIndex, "accuracy": MulticlassAccuracy}
    for (kind, average), value in ours.items():
        theirs = kinds[kind](5, average=average, ignore_index=255)(predicted, void)
        assert value == pytest.approx(theirs.item(), abs=1e-6)


def test_nothing_scored_is_nan_not_zero():
    scores = Scores.none(4)
    assert np.isnan([scores.mean_iou, scores.pixel_accuracy, scores.weighted_iou]).all()
