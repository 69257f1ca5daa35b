"""Four scenes are learnt by heart, as far as a map of an eighth of the resolution lets them be."""

import pytest
import torch
from torch.nn import functional

from parsenet.bilinear import BilinearDeconvolution
from parsenet.evaluation import evaluate
from parsenet.scenes import CLASSES, INPUT_SPACE, Scenes, SceneSpec, render
from parsenet.scores import Scores
from parsenet.training.loop import train
from parsenet.training.recipes import named_recipe
from parsenet.variants import build

# Objects of 20 to 25 pixels' radius: an eighth of the resolution draws them well.
LARGE = SceneSpec(size=128, object_radius=(0.15, 0.2), cue_radius=0.12, objects=(2, 3))


class Four:
    """The same four scenes again and again."""

    classes = CLASSES

    def __init__(self, spec):
        self.pairs = [Scenes(spec)[k] for k in range(4)]

    def __len__(self):
        return 4

    def __getitem__(self, k):
        return self.pairs[k]


def learnt_by_heart(spec, iterations, **options):
    torch.manual_seed(0)
    options = {"width": 0.125, "batch_norm": True, "dropout": False, **options}
    model = build("parsenet", classes=len(CLASSES), **options)
    values = {"max_iter": iterations, "batch_size": 4, "weigh_classes": False}
    recipe = named_recipe("scenes").override(**values)
    train(model, Four(spec), recipe, input_space=INPUT_SPACE)
    return evaluate(model, Four(spec), INPUT_SPACE).mean_iou


def test_four_scenes_of_large_objects_are_learnt_by_heart():
    assert learnt_by_heart(LARGE, 150) > 0.95


@pytest.mark.slow
def test_four_ordinary_scenes_are_learnt_by_heart_with_features_of_a_quarter_of_the_resolution():
    assert learnt_by_heart(SceneSpec(size=192), 200, local=("fc7", "conv3_3")) > 0.95


def best_possible(spec):
    """Fit free scores at an eighth of the resolution, enlarged bilinearly, to four scenes.

    No network can do better, but for what its enlargement learns, which begins bilinear.
    """
    labels = torch.stack([torch.from_numpy(render(spec, k).label).long() for k in range(4)])
    truth = functional.one_hot(labels, len(CLASSES)).permute(0, 3, 1, 2).float()
    enlarge = BilinearDeconvolution(len(CLASSES), 8, padding=4, bias=False, trainable=False)
    scores = (10 * functional.avg_pool2d(truth, 8)).requires_grad_()
    optimizer = torch.optim.Adam([scores], lr=0.5)
    for step in range(150):
        optimizer.param_groups[0]["lr"] = 0.5 * (1 - step / 150)
        optimizer.zero_grad()
        functional.cross_entropy(enlarge(scores), labels).backward()
        optimizer.step()
    called = enlarge(scores).argmax(dim=1)
    return Scores.none(len(CLASSES)).with_pixels(called, labels).mean_iou


@pytest.mark.slow
def test_an_eighth_of_the_resolution_is_too_coarse_for_small_scenes_alone():
    """Why the objects above are large, or the features finer."""
    assert best_possible(SceneSpec(size=192)) < 0.95
    assert best_possible(SceneSpec(size=384)) > 0.98
    assert best_possible(LARGE) > 0.97
