"""The loop: same seed, same bits; a few scenes are learnt; the order of samples is fixed."""

import math

import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

from parsenet.errors import TrainingError
from parsenet.scenes import CLASSES, SceneSamples, SceneSpec
from parsenet.train import Training, train
from parsenet.variants import build


class Recorded(Dataset):
    """A data set that notes which samples were asked for."""

    def __init__(self, samples, period=None):
        self.samples, self.period, self.asked = samples, period, []

    def __getitem__(self, k):
        self.asked.append(k)
        return self.samples[k % self.period if self.period else k]


def small_net(**options):
    torch.manual_seed(0)
    return build(
        "parsenet", classes=len(CLASSES), width=0.0625, batch_norm=True, fusion="late", **options
    )


SCENES = SceneSamples(SceneSpec(seed=2, size=64))


def test_twice_the_same_training_gives_the_same_bits_whatever_else_draws_random_numbers():
    finals = []
    for disturbance in (0, 7):
        model = small_net(dropout=True)
        torch.manual_seed(disturbance)
        for _ in train(model, SCENES, Training(4, 2, 0.01)):
            torch.rand(disturbance)
        finals.append(model.state_dict())
    for name, tensor in finals[0].items():
        assert torch.equal(tensor, finals[1][name]), name


def test_another_seed_drops_other_units():
    losses = [
        [step.loss for step in train(small_net(dropout=True), SCENES, Training(2, 2, seed=seed))]
        for seed in (0, 1)
    ]
    assert losses[0] != losses[1]


def test_samples_come_in_order_and_the_callers_random_state_is_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    model = small_net()
    recorded = Recorded(SCENES)
    torch.manual_seed(5)
    steps = list(train(model, recorded, Training(3, 2)))
    assert recorded.asked == [0, 1, 2, 3, 4, 5]
    assert [step.iteration for step in steps] == [1, 2, 3]
    assert torch.equal(torch.rand(3), expected)


def test_the_rate_is_poly():
    training = Training(iterations=10, learning_rate=0.5)
    assert training.rate(0) == 0.5
    assert training.rate(4) == pytest.approx(0.5 * 0.6**0.9)
    steps = train(small_net(), SCENES, Training(iterations=2, batch_size=1, learning_rate=0.5))
    assert [step.learning_rate for step in steps] == pytest.approx([0.5, 0.5 * 0.5**0.9])


def test_two_scenes_are_learnt_by_heart():
    model = small_net(dropout=False)
    losses = [step.loss for step in train(model, Recorded(SCENES, 2), Training(40, 2, 0.01))]
    assert losses[0] > math.log(len(CLASSES)) / 2
    assert losses[-1] < losses[0] / 8


class Biased(nn.Module):
    """Scores two classes by two learnt numbers, everywhere the same."""

    def __init__(self):
        super().__init__()
        self.score = nn.Parameter(torch.zeros(2))

    def forward(self, image):
        n, _, rows, cols = image.shape
        return self.score.view(1, 2, 1, 1).expand(n, 2, rows, cols)


def labelled(*labels):
    image = torch.zeros(3, 1, len(labels))
    return [(image, torch.tensor([labels]))]


@pytest.mark.parametrize(
    ("labels", "weights", "loss"),
    [
        ((0, 0, 1, 255), None, math.log(1 + math.e) - 2 / 3),
        ((0, 1), (3.0, 1.0), math.log(1 + math.e) - 3 / 4),
    ],
)
def test_the_loss_is_weighted_by_class_and_averaged_without_void(labels, weights, loss):
    model = Biased()
    with torch.no_grad():
        model.score[0] = 1.0
    weights = None if weights is None else torch.tensor(weights)
    (step,) = train(model, labelled(*labels), Training(1, 1), class_weights=weights)
    assert step.loss == pytest.approx(loss)


def test_a_loss_that_is_not_finite_stops_the_training():
    model = Biased()
    with torch.no_grad():
        model.score[0] = float("nan")
    with pytest.raises(TrainingError, match=r"^loss nan at iteration 1: try .* below 0.003$"):
        list(train(model, labelled(0, 1), Training(1, 1)))
