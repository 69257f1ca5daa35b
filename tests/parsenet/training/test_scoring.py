"""Scores in between: those of the model of that iteration, and no trace of them in the training."""

import pytest
import torch

from parsenet.errors import TrainingError
from parsenet.evaluation import evaluate
from parsenet.training.journal import read_journal
from parsenet.training.loop import training_steps
from parsenet.training.scoring import Scoring
from parsenet.training.settings import RunSettings
from strategies.tiny_trainings import SPACE, Photos, make_model, make_recipe, run

NORMED = {"batch_norm": True}


def test_a_training_that_is_scored_goes_the_same_way():
    recipe = make_recipe(max_iter=4)
    alone = run(None, recipe, NORMED).state_dict()
    scored = run(None, recipe, NORMED, scoring=Scoring(Photos(), every=1)).state_dict()
    different = [name for name in alone if not torch.equal(alone[name], scored[name])]
    assert not different


def test_scores_are_those_of_the_model_after_the_iteration(tmp_path):
    model, scores = make_model(**NORMED), {}
    scoring = Scoring(Photos(), every=2, limit=4)
    recipe = make_recipe(max_iter=5, base_lr=1e-3)
    run = RunSettings(scoring=scoring)
    steps = training_steps(model, Photos(), recipe, input_space=SPACE, folder=tmp_path, run=run)
    for step in steps:
        truth = evaluate(model, Photos(), SPACE, limit=4)
        scores[step.iteration] = (truth.mean_iou, truth.pixel_accuracy)
    lines = read_journal(tmp_path / "metrics.jsonl")
    written = {
        line["iteration"]: (line["mean_iou"], line["pixel_accuracy"])
        for line in lines
        if "mean_iou" in line
    }
    assert written == {iteration: scores[iteration] for iteration in (2, 4, 5)}
    assert len(set(scores.values())) > 1
    assert len(lines) == 5


def test_what_is_not_defined_is_left_out():
    class Void(Photos):
        def __getitem__(self, index):
            image, label = super().__getitem__(index)
            return image, label * 0 + 255

    assert Scoring(Void(), every=1).scores(make_model(), SPACE) == {}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"every": 0}, "scores every 0 iterations: it must be at least 1"),
        ({"every": 1, "limit": 0}, "scores of 0 images: it must be at least 1"),
    ],
)
def test_what_cannot_be_scored(values, words):
    with pytest.raises(TrainingError, match=words):
        Scoring(Photos(), **values)
