"""What the study of scenes says of its trainings: numbers worked out by hand."""

import numpy as np
import pytest

from benchmarks import fusion_rates, fusion_study
from cli.train import train


def scores(mean_iou, near, far):
    band = {"objects": 10, "cue_accuracy": 0.5}
    return {
        "mean_iou": mean_iou,
        "by_cue_distance": [
            band | {"from": 0.0, "mean_iou": near},
            band | {"from": 100.0, "mean_iou": near - 0.2, "objects": 30},
            band | {"from": 200.0, "mean_iou": 0.5},
            band | {"from": 250.0, "mean_iou": far},
        ],
    }


def test_bands_are_averaged_by_their_objects():
    assert fusion_study.iou_between(scores(0.6, 0.8, 0.3), 0, 150) == pytest.approx(0.65)
    assert fusion_study.iou_between(scores(0.6, 0.8, 0.3), 250, np.inf) == pytest.approx(0.3)


def test_the_fusion_table_gives_mean_and_spread_over_seeds():
    variant = fusion_study.Variant("none", False, ("fc7",))
    text = fusion_study.table({variant: [scores(0.5, 0.8, 0.2), scores(0.7, 0.8, 0.4)]})
    assert text.splitlines()[-1] == "| fc7 | no | none | 60.0 ± 14.1 | 65.0 ± 0.0 | 30.0 ± 14.1 |"


def test_one_seed_has_no_spread():
    assert fusion_study.percent([0.25]) == "25.0"


@pytest.mark.parametrize("variant", fusion_study.VARIANTS, ids=lambda variant: variant.name)
def test_every_variant_is_one_that_can_be_trained(variant):
    from cli.training.experiment import asked_experiment
    from parsenet.variants import build

    with train.make_context("train", variant.options()) as context:
        experiment, _ = asked_experiment(context, context.params)
    model = build(experiment.variant, classes=9, **experiment.options)
    names = {name for name, _ in model.named_children()}
    assert ("pool6_1x1" in names) == (variant.fusion != "none")
    assert any(name.endswith("_norm") for name in names) == variant.normalize
    assert model.local == variant.local


def test_pairs_are_compared_each_at_its_own_best_rate():
    ious = {
        ("fc7", True): ([0.5, 0.7], [0.6, 0.6]),
        ("fc7", False): ([0.8, 0.6], [0.5, 0.5]),
        ("three", True): ([0.5, 0.5], [0.9, 0.9]),
        ("three", False): ([0.5, 0.5], [0.5, 0.5]),
    }
    found = {
        (fusion_study.Variant("late", normalize, (local,)), rate): values
        for (local, normalize), each in ious.items()
        for rate, values in zip((0.1, 1.0), each, strict=True)
    }
    text = fusion_rates.table(found, (0.1, 1.0), 2)
    assert "| fc7 | yes | 60.0 ± 14.1 | 60.0 ± 0.0 |" in text
    assert text.endswith("raw is ahead by +10.0 for fc7 and -40.0 for three points.")
