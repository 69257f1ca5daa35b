"""Updates: worked out by hand, the same bits for the same seed, and of use."""

import math

import pytest
import torch
from torch import nn

from parsenet.errors import TrainingError
from parsenet.scenes import CLASSES, INPUT_SPACE, Scenes, SceneSpec
from parsenet.training.learner import Learner
from parsenet.training.recipes import named_recipe
from parsenet.training.supply import Supply
from parsenet.variants import build


def scenes(max_iter, batch_size, base_lr=0.003, **more):
    values = {"max_iter": max_iter, "batch_size": batch_size, "base_lr": base_lr, **more}
    return named_recipe("scenes").override(**values, weigh_classes=False)


def train(model, samples, plan, class_weights=None):
    """Yield the steps of a whole training."""
    plan = plan.override(weigh_classes=class_weights is not None)
    learner = Learner(model, plan, input_space=INPUT_SPACE, class_weights=class_weights)
    for iteration in range(plan.max_iter):
        yield learner.step([samples[k] for k in learner.share.samples(iteration)])


def small_net(**options):
    torch.manual_seed(0)
    return build(
        "parsenet", classes=len(CLASSES), width=0.0625, batch_norm=True, fusion="late", **options
    )


SCENES = Supply(Scenes(SceneSpec(seed=2, size=64)), INPUT_SPACE)


def test_twice_the_same_training_gives_the_same_bits_whatever_else_draws_random_numbers():
    finals = []
    for disturbance in (0, 7):
        model = small_net(dropout=True)
        torch.manual_seed(disturbance)
        for _ in train(model, SCENES, scenes(4, 2, 0.01)):
            torch.rand(disturbance)
        finals.append(model.state_dict())
    for name, tensor in finals[0].items():
        assert torch.equal(tensor, finals[1][name]), name


def test_another_seed_drops_other_units():
    losses = [
        [step.loss for step in train(small_net(dropout=True), SCENES, scenes(2, 2, seed=seed))]
        for seed in (0, 1)
    ]
    assert losses[0] != losses[1]


def test_the_callers_random_state_is_left_alone():
    model = small_net(dropout=True)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    steps = list(train(model, SCENES, scenes(3, 2)))
    assert [step.iteration for step in steps] == [1, 2, 3]
    assert torch.equal(torch.rand(3), expected)


def test_every_step_reports_the_rate_of_its_recipe():
    steps = train(small_net(), SCENES, scenes(2, 1, 0.5))
    assert [step.learning_rate for step in steps] == pytest.approx([0.5, 0.5 * 0.5**0.9])


class Biased(nn.Module):
    """Scores two classes by two learnt numbers, everywhere the same."""

    def __init__(self):
        super().__init__()
        self.score = nn.Parameter(torch.zeros(2))

    def forward(self, image):
        n, _, rows, cols = image.shape
        return self.score.view(1, 2, 1, 1).expand(n, 2, rows, cols)


def labelled(*labels):
    image = torch.zeros(1, len(labels), 3, dtype=torch.uint8)
    return [(image, torch.tensor([labels], dtype=torch.uint8))]


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
    (step,) = train(model, labelled(*labels), scenes(1, 1), class_weights=weights)
    assert step.loss == pytest.approx(loss)


def released(**values):
    settings = {"base_lr": 0.1, "lr_policy": "fixed", "max_iter": 2, "weight_decay": 0.0}
    return named_recipe("parsenet-release").override(**settings, **values)


def test_an_update_of_the_release_by_hand():
    """Loss summed over the pixels of an image, averaged over eight; momentum 0.9."""
    model = Biased()
    list(train(model, [*labelled(0, 0, 1), *labelled(0, 1, 255)] * 8, released()))
    # Each pixel pulls its class by 1 - p and pushes the other by p; in eight images, four have
    # labels 0 0 1 and four 0 1: (12 pixels of class 0, 8 of class 1) / 8.
    score = torch.zeros(2, dtype=torch.float64)
    update = torch.zeros_like(score)
    for _ in range(2):
        gradient = (20 * score.softmax(0) - torch.tensor([12.0, 8.0])) / 8
        update = 0.9 * update + 0.1 * gradient
        score = score - update
    assert torch.allclose(model.score.double(), score, atol=1e-6)


@pytest.mark.parametrize("loss", ["sum", "mean"])
@pytest.mark.parametrize("weights", [None, (3.0, 1.0)])
def test_how_many_images_pass_at_once_does_not_change_an_iteration(loss, weights):
    images = [
        *labelled(0, 0, 1), *labelled(255, 0, 255), *labelled(1, 1, 255), *labelled(255, 255, 255)
    ]  # fmt: skip
    weights = None if weights is None else torch.tensor(weights)
    finals = []
    for batch_size in (4, 2, 1):
        model, sizes = Biased(), {"batch_size": batch_size, "iter_size": 4 // batch_size}
        plan = released(**sizes, loss=loss)
        losses = [step.loss for step in train(model, images * 2, plan, class_weights=weights)]
        finals.append(torch.cat([model.score.detach(), torch.tensor(losses)]))
    assert torch.allclose(finals[0], finals[1], atol=1e-6)
    assert torch.allclose(finals[0], finals[2], atol=1e-6)


def test_photos_of_many_sizes_pass_one_at_a_time():
    sizes = [(rows, 40) for rows in (33, 40, 47, 50)]
    photos = [
        (torch.zeros(*size, 3, dtype=torch.uint8), torch.zeros(size, dtype=torch.uint8))
        for size in sizes
    ]
    plan = released(iter_size=4).override(max_iter=1)
    (step,) = train(small_net(), photos, plan)
    assert step.loss > 0


def test_a_loss_that_is_not_finite_stops_the_training():
    model = Biased()
    with torch.no_grad():
        model.score[0] = float("nan")
    with pytest.raises(
        TrainingError, match=r"^loss nan at iteration 1: try a base_lr below 0.003$"
    ):
        list(train(model, labelled(0, 1), scenes(1, 1)))
