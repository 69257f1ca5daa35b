"""A reading of a user's own: against the same function called by hand, in every engine."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import erf
from erf.extend import reading
from erf.theoretical import disagreement

IMAGE = torch.randn(3, 20, 24, generator=torch.Generator().manual_seed(0))


class Pair(nn.Module):
    """Puts out a map and a vector."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = self.conv(image)
        return x, x.mean((2, 3))


def halves(output: tuple[Tensor, Tensor]) -> Tensor:
    """Differences of neighbouring pairs of pixels, weighed by the vector."""
    x, vector = output
    return (x[..., ::2] - x[..., 1::2]) * vector[..., None, None]


def spread(output: Tensor) -> Tensor:
    return output.std(1, keepdim=True)


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 6, 5, padding=2), nn.ReLU()), nn.Conv2d(6, 2, 1)
    )


@pytest.mark.parametrize("layer", ["0", "0.1", "1"])
def test_engines_and_theory_see_through_the_function(layer: str) -> None:
    net = model()
    with reading(net, layer, spread) as name:
        subject = erf.Subject(net, IMAGE)
        with torch.no_grad():
            truth = spread((net if layer == "1" else net[0])(IMAGE[None]))
        torch.testing.assert_close(subject.observe([name])[name], truth[0])
        found = [
            subject.probe(name, erf.Noise(patch=4, draws=2, engine=engine)).discrepancy
            for engine in ("delta", "dense")
        ]
        np.testing.assert_allclose(found[0], found[1], rtol=1e-3, atol=1e-6)
        assert subject.theory(name).size == (5, 5)
        assert subject.probe(name, erf.Gradient()).discrepancy.any()


def test_members_of_several_are_read_together_and_nan_agrees() -> None:
    net = Pair().double()
    with reading(net, "output", halves) as name:
        assert name == "halves"
        subject = erf.Subject(net, IMAGE.double())
        with torch.no_grad():
            truth = halves(net(IMAGE[None].double()))[0]
        torch.testing.assert_close(subject.observe([name])[name], truth)
        field = subject.theory(name)
        assert (field.units, field.status) == ((20, 12), "whole_image")
        assert disagreement(net, field, (3, 4)) is None


def test_the_model_comes_back_as_found_also_after_an_error() -> None:
    net = model()
    before = [name for name, _ in net.named_modules()]
    with pytest.raises(RuntimeError), reading(net, "0", spread):
        raise RuntimeError
    assert [name for name, _ in net.named_modules()] == before
    assert not any(module._forward_hooks for module in net.modules())
    with pytest.raises(erf.LayerError):
        erf.Subject(net, IMAGE).observe(["0.0.spread"])


@pytest.mark.parametrize(
    ("layer", "name", "words"),
    [
        ("7", "a", "layer '7' is not one of"),
        ("1", "weight", "reading 'weight' of layer '1': that name is taken"),
        ("1", "a b", "reading 'a b' is no name"),
    ],
)
def test_what_cannot_be_read(layer: str, name: str, words: str) -> None:
    with pytest.raises(erf.LayerError, match=words), reading(model(), layer, spread, name=name):
        pass
