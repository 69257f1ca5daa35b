"""What the studies say of their trainings: numbers worked out by hand, and halved photos."""

import argparse

import numpy as np
import pytest
from PIL import Image

from benchmarks import camvid_study, fusion_study
from cli.train import train
from parsenet.datasets import VOID, open_dataset


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


def test_camvid_is_halved_in_its_own_layout(tmp_path):
    label = np.arange(8 * 12, dtype=np.uint8).reshape(8, 12) % 12
    photo = np.dstack([label * 20] * 3)
    for split in camvid_study.SPLITS:
        for folder, array in ((split, photo), (f"{split}annot", label)):
            (tmp_path / "whole" / folder).mkdir(parents=True)
            Image.fromarray(array).save(tmp_path / "whole" / folder / "a.png")
    root = camvid_study.shrink(tmp_path / "whole", tmp_path / "half", 2)
    image, small = open_dataset("camvid", root, "val")[0]
    assert np.array_equal(small, np.where(label == 11, VOID, label)[::2, ::2])
    blocks = photo.reshape(4, 2, 6, 2, 3).mean(axis=(1, 3))
    assert np.abs(image - blocks).max() <= 0.5


def test_camvid_variants_differ_in_fusion_alone(tmp_path):
    weights = tmp_path / "weights.h5"
    weights.touch()
    args = argparse.Namespace(iterations=3, batch_size=2, hed=weights)
    none, late = (camvid_study.settings(name, 1, args) for name in ("baseline", "late fusion"))
    assert [a for a, b in zip(none, late, strict=True) if a != b] == ["none"]
    names = ("three layers", "three layers, not normalised")
    with_l2, without = (camvid_study.settings(name, 1, args) for name in names)
    assert [word for word in without if word not in with_l2] == ["--no-normalize"]
