"""A model is handed back exactly as found, also what its forward notes on itself."""

import pytest
import torch
from torch import nn

import erf
from erf.borrow import borrowed


class Anchored(nn.Module):
    """Keeps its grid for a size of image, and a list of what it saw, as detectors' heads do."""

    shape = None

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.seen, self.places = ["before"], {}

    def forward(self, x):
        if self.shape != x.shape:
            self.grid = torch.arange(x.shape[-1]).to(x) / x.shape[-1]
            self.shape = x.shape
        self.seen.append(x)
        self.places[len(self.seen)] = x
        return self.conv(x) * self.grid


def state(model):
    names = sorted(name for name in vars(model) if not name.startswith("_"))
    return names, model.shape, list(model.seen), dict(model.places)


def test_what_a_forward_notes_is_undone_after_tracing_and_after_passes():
    model = Anchored()
    expected = state(model)
    subject = erf.Subject(model, torch.randn(3, 16, 16))
    assert subject.theory("conv").size == (3, 3)
    assert state(model) == expected
    result = subject.probe("output", erf.Noise(patch=4, draws=1))
    assert result.engine.name == "delta"
    assert state(model) == expected


def test_a_model_that_has_run_keeps_its_notes_and_is_exported_once(monkeypatch):
    model, image = Anchored(), torch.randn(3, 16, 16)
    model(image[None])
    grid, shape = model.grid, model.shape
    subject = erf.Subject(model, image)
    first = subject.graph
    subject.probe("output", erf.Noise(patch=4, draws=1))
    assert subject.graph is first
    assert model.grid is grid
    assert model.shape == shape
    assert len(model.seen) == 2


def test_notes_are_undone_when_a_pass_fails():
    model = Anchored()
    with pytest.raises(RuntimeError, match="channels"), borrowed(model):
        model(torch.zeros(1, 5, 8, 8))
    assert not hasattr(model, "grid")
    assert model.shape is None
    assert model.seen == ["before"]


def test_a_lazy_module_stays_what_it_became():
    model = nn.Sequential(nn.LazyConv2d(4, 3))
    with borrowed(model):
        model(torch.zeros(1, 3, 8, 8))
    assert type(model[0]) is nn.Conv2d
    assert model[0].in_channels == 3


class Capturing(nn.Module):
    """Hooks its own layer when it first runs, and adds up what the hook saw."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.seen = []

    def forward(self, image):
        if not getattr(self, "is_hooked", False):
            self.conv.register_forward_hook(lambda _module, _inputs, out: self.seen.append(out))
            self.is_hooked = True
        self.seen = []
        self.conv(image)
        return sum(self.seen)


@pytest.mark.parametrize("runs_first", [False, True])
def test_hooks_that_a_forward_registers_count_once(runs_first):
    model, image = Capturing(), torch.randn(3, 16, 16)
    expected = model.conv(image[None])
    if runs_first:
        model(image[None])
    subject = erf.Subject(model, image)
    result = subject.probe("output", erf.Noise(patch=4, draws=1), unit="all")
    assert subject.graph is subject.graph
    assert len(model.conv._forward_hooks) == runs_first
    torch.testing.assert_close(model(image[None]), expected)
    norm = torch.linalg.vector_norm(expected[0], dim=0)
    torch.testing.assert_close(torch.from_numpy(result.activation), norm.detach())
