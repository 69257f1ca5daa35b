"""Each module's own mode is kept: where a model is looked at, and where it learns."""

import torch
from torch import nn

from parsenet import InputSpace
from parsenet.modes import evaluating
from parsenet.training import Learner, Processes
from parsenet.training.learner import _has_idle_parameters
from strategies.tiny_trainings import make_recipe

SPACE = InputSpace((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def half_frozen():
    torch.manual_seed(0)
    norms = nn.BatchNorm2d(3), nn.BatchNorm2d(3)
    model = nn.Sequential(nn.Conv2d(3, 3, 1), *norms).train()
    norms[0].eval()
    return model


def modes(model):
    return [module.training for module in model.modules()]


def batch():
    image = torch.arange(8 * 8 * 3).reshape(8, 8, 3).to(torch.uint8)
    return [(image, (torch.arange(64).reshape(8, 8) % 3).to(torch.uint8))] * 4


def test_a_borrowed_model_evaluates_and_comes_back_as_found_even_after_an_error():
    model = half_frozen()
    before = modes(model)
    try:
        with evaluating(model):
            assert modes(model) == [False] * 4
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert modes(model) == before == [True, True, False, True]


def test_what_is_frozen_stays_so_while_the_rest_learns_whoever_looks_in_between():
    model = half_frozen()
    learner = Learner(model, make_recipe(), input_space=SPACE)
    for _ in range(2):
        learner.step(batch())
        assert modes(model) == [True, True, False, True]
        model.eval()
    assert int(model[1].num_batches_tracked) == 0
    assert int(model[2].num_batches_tracked) == 8


def test_a_model_that_was_loaded_in_evaluation_mode_learns_as_a_whole():
    model = half_frozen().eval()
    Learner(model, make_recipe(), input_space=SPACE).step(batch())
    assert modes(model) == [True] * 4


def test_looking_for_idle_layers_leaves_modes_alone():
    model = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Dropout()).train()
    model[1].eval()
    assert not _has_idle_parameters(model, Processes().device)
    assert modes(model) == [True, True, False]
