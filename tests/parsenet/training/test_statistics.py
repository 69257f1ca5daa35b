"""Which batch norm several processes train with; what SyncBatchNorm computes, PyTorch tests."""

import warnings

import pytest
import torch
from torch import nn

from parsenet.training.processes import ALONE, Processes
from parsenet.training.statistics import StatisticsWarning, note_dropout, share_statistics
from parsenet.variants import build


def net(batch_norm=True):
    torch.manual_seed(0)
    return build("parsenet", classes=3, width=1 / 64, batch_norm=batch_norm)


def normed(model):
    return [type(module) for module in model.modules() if "BatchNorm" in type(module).__name__]


def two(device, rank=0):
    return Processes(rank, 2, torch.device(device))


def test_on_gpus_layers_are_exchanged_and_parameters_are_not():
    model = net()
    before, layers = model.state_dict(keep_vars=True), len(normed(model))
    image = torch.randn(2, 3, 32, 32)
    expected = model.eval()(image)
    shared = share_statistics(model, two("cuda"))
    assert shared is model
    assert normed(model) == [nn.SyncBatchNorm] * layers
    assert layers > 10
    after = model.state_dict(keep_vars=True)
    assert list(after) == list(before)
    assert all(tensor is before[name] for name, tensor in after.items())
    assert torch.equal(model.eval()(image), expected)


def test_on_a_cpu_the_first_process_says_that_statistics_are_its_own():
    model = net()
    words = "each of 2 processes normalises by its own images alone; .* not on a cpu"
    with pytest.warns(StatisticsWarning, match=words):
        share_statistics(model, two("cpu"))
    assert set(normed(model)) == {nn.BatchNorm2d}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("batch_norm", "processes"), [(True, ALONE), (False, two("cpu")), (True, two("cpu", 1))]
)
def test_otherwise_there_is_nothing_to_do_or_to_say(batch_norm, processes):
    model = net(batch_norm)
    assert share_statistics(model, processes) is model
    assert nn.SyncBatchNorm not in normed(model)


@pytest.mark.parametrize(("batch", "images", "said"), [(2, 4, False), (4, 2, True), (3, 4, True)])
def test_dropout_that_draws_otherwise_in_several_processes_is_said(batch, images, said):
    model = nn.Sequential(nn.Dropout(0.5))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        note_dropout(model, batch, images, Processes(0, 2))
        note_dropout(model, batch, images, Processes(1, 2))
        note_dropout(model, batch, images, Processes())
        note_dropout(nn.Sequential(nn.Dropout(0.0)), batch, images, Processes(0, 2))
    assert len(caught) == said
    assert not said or "dropout: 2 processes draw otherwise" in str(caught[0].message)
