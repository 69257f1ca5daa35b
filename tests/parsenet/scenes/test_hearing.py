"""Scores by cue distance, with models whose hearing is known because they are told the truth."""

import numpy as np
import pytest
import torch
from torch import nn

from parsenet.scenes import (
    CLASSES,
    HELD_OUT,
    INPUT_SPACE,
    OBJECT_CLASSES,
    Scenes,
    SceneSpec,
    class_weights,
    render,
    score_scenes,
)

SPEC = SceneSpec(seed=1, size=192)
SCENES = 10


class Told(nn.Module):
    """Calls every pixel right, except that objects further than `reach` get the other cue."""

    def __init__(self, reach):
        super().__init__()
        self.reach = reach
        self.at = HELD_OUT
        self.nothing = nn.Parameter(torch.zeros(1))

    def forward(self, image):
        labels = []
        for _ in image:
            scene = render(SPEC, self.at)
            label = scene.label.copy()
            for thing in scene.objects:
                if thing.cue_distance > self.reach:
                    top, left, bottom, right = thing.box
                    window = label[top:bottom, left:right]
                    other = {c: c + 1 if c % 2 else c - 1 for c in OBJECT_CLASSES}
                    window[window == thing.label] = other[thing.label]
            labels.append(torch.from_numpy(label))
            self.at += 1
        return nn.functional.one_hot(torch.stack(labels).long(), len(CLASSES)).movedim(3, 1)


def test_hearing_ends_where_the_model_stops_listening():
    model = Told(reach=100.0)
    scores = score_scenes(
        model, SPEC, first=HELD_OUT, scenes=SCENES, batch_size=3, bands=(0, 70, 100, 500)
    )
    assert [(band.near, band.far) for band in scores.bands] == [(0, 70), (70, 100), (100, 500)]
    assert [band.cue_accuracy for band in scores.bands] == [1, 1, 0]
    assert [band.mean_iou for band in scores.bands] == [1, 1, 0]
    drawn = [thing for i in range(SCENES) for thing in render(SPEC, HELD_OUT + i).objects]
    counts, _ = np.histogram([thing.cue_distance for thing in drawn], [0, 70, 100, 500])
    assert [band.objects for band in scores.bands] == counts.tolist()


def test_one_that_hears_everything_is_perfect_and_its_mode_is_kept():
    model = Told(reach=float("inf"))
    scores = score_scenes(model, SPEC, first=HELD_OUT, scenes=4)
    assert scores.whole.mean_iou == 1
    assert model.training
    assert int(scores.whole.truth.sum()) == 4 * SPEC.size**2


def test_scenes_are_endless_training_data():
    image, label = Scenes(SPEC)[10**12]
    scene = render(SPEC, 10**12)
    assert np.array_equal(image, scene.image)
    assert np.array_equal(label, scene.label)
    assert not hasattr(Scenes, "__len__")


def test_the_input_space_centres_scenes_roughly():
    spec = SceneSpec(seed=11, size=96)
    images = torch.stack([INPUT_SPACE.tensor(render(spec, index).image) for index in range(200)])
    assert images.mean(dim=(0, 2, 3)).abs().max() < 0.25
    assert (images.std(dim=(0, 2, 3)) - 1).abs().max() < 0.25


def test_class_weights_make_an_average_pixel_weigh_one_and_rare_classes_more():
    weights = class_weights(SPEC, scenes=20).double().numpy()
    pixels = sum(
        np.bincount(render(SPEC, HELD_OUT + i).label.ravel(), minlength=len(CLASSES))
        for i in range(20)
    )
    assert (weights * pixels / pixels.sum()).sum() == pytest.approx(1)
    assert np.allclose(weights**2 * pixels, (weights**2 * pixels)[0])
    assert weights[0] == weights.min()


def test_a_frozen_module_is_still_frozen_afterwards():
    model = nn.Sequential(nn.Conv2d(3, len(CLASSES), 1), nn.BatchNorm2d(len(CLASSES))).train()
    model[1].eval()
    score_scenes(model, SceneSpec(size=64), first=0, scenes=1)
    assert [module.training for module in model.modules()] == [True, True, False]
