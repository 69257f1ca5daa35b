"""Tokens among others as a grid: against the tokens cut out by hand, gradients, and NaN."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import erf
from erf.theoretical import disagreement

KINDS = ("class", "two", "behind", "registers", "fixed batch")


class Tiny(nn.Module):
    """A vision transformer of two blocks, its tokens joined with others in one of many ways."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.kind = kind
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.joined = nn.Identity()
        self.one, self.two = (nn.Parameter(torch.randn(1, n, 8)) for n in (1, 2))
        self.blocks = nn.Sequential(*(self.block() for _ in range(2)))
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 5)

    def block(self) -> nn.Module:
        return nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True)

    def forward(self, image: Tensor) -> Tensor:
        tokens = self.patches(image).flatten(2).transpose(1, 2)
        batch = len(image) if self.kind == "fixed batch" else image.shape[0]
        one, two = self.one.expand(batch, -1, -1), self.two.expand(batch, -1, -1)
        if self.kind == "two":
            tokens = torch.cat([two, tokens], 1)
        elif self.kind == "behind":
            tokens = torch.cat([tokens, one], 1)
        else:
            tokens = torch.cat([one, tokens], 1)
        if self.kind == "registers":
            tokens = torch.cat([tokens[:, :1], two, tokens[:, 1:]], 1)
        tokens = self.norm(self.blocks(self.joined(tokens)))
        return self.head(tokens[:, -1 if self.kind == "behind" else 0])


START = {"class": 1, "two": 2, "behind": 0, "registers": 3, "fixed batch": 1}
IMAGE = torch.randn(3, 16, 24, generator=torch.Generator().manual_seed(2))


def by_hand(model: Tiny, layer: str) -> Tensor:
    """(channels, rows, cols) of the grid's tokens."""
    kept: list[Tensor] = []
    module = model.get_submodule(layer)
    with module.register_forward_hook(lambda _m, _i, out: kept.append(out)), torch.no_grad():
        model(IMAGE[None])
    start = START[model.kind]
    return kept[0][0, start : start + 24].T.reshape(8, 4, 6)


@pytest.mark.parametrize("layer", ["joined", "blocks.0", "norm"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_of_tokens_is_its_grid(kind: str, layer: str) -> None:
    model = Tiny(kind).eval()
    subject = erf.Subject(model, IMAGE)
    assert torch.equal(subject.observe([layer])[layer], by_hand(model, layer))
    assert subject.theory(layer).units == (4, 6)


@pytest.mark.parametrize("kind", KINDS)
def test_engines_agree_on_any_unit(kind: str) -> None:
    subject = erf.Subject(Tiny(kind), IMAGE)
    for unit in ((0, 0), (3, 5), "all"):
        delta, dense = (
            subject.probe("blocks.1", erf.Noise(patch=8, draws=2, engine=engine), unit=unit)
            for engine in ("delta", "dense")
        )
        np.testing.assert_allclose(delta.discrepancy, dense.discrepancy, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("kind", ["class", "two", "behind"])
def test_theory_says_the_whole_image_and_nan_agrees(kind: str) -> None:
    model = Tiny(kind)
    field = erf.theoretical_field(model, "blocks.0", image_size=(16, 24))
    assert (field.status, field.units) == ("whole_image", (4, 6))
    assert disagreement(model, field) is None


def test_tokens_that_are_joined_twice_are_a_bound_that_holds() -> None:
    model = Tiny("registers")
    field = erf.theoretical_field(model, "blocks.0", image_size=(16, 24))
    assert (field.status, field.units) == ("upper_bound", (4, 6))
    assert disagreement(model, field) is None


def test_before_any_attention_a_token_is_bound_by_the_image_and_hears_its_patch() -> None:
    field = erf.theoretical_field(Tiny("class"), "joined", image_size=(16, 24))
    assert field.status == "upper_bound"
    found = erf.probe(Tiny("class"), IMAGE, "joined", unit=(1, 2), patch=4, draws=1)
    assert np.argwhere(found.discrepancy > 0).tolist() == [[1, 2]]


def test_noise_and_gradient_agree_in_the_limit_of_small_noise() -> None:
    subject = erf.Subject(Tiny("class").double(), IMAGE.double())
    gradient = subject.probe("blocks.1", erf.Gradient(reduce="squared"), channel=2, unit=(1, 2))
    noise = subject.probe(
        "blocks.1", erf.Noise(patch=1, draws=64, sigma=1e-5), channel=2, unit=(1, 2)
    )
    expected = np.sqrt(gradient.discrepancy)
    assert np.corrcoef(noise.discrepancy.ravel(), expected.ravel())[0, 1] > 0.99


def test_the_class_score_is_one_unit() -> None:
    found = erf.probe(Tiny("class"), IMAGE, "head", channel=3, patch=8, draws=1)
    assert found.activation.shape == (1, 1)
    assert found.discrepancy.shape == (2, 3)
