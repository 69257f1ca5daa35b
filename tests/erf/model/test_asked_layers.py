"""Layers that are no module's output: operations between modules, tokens whose grid is told."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import erf

IMAGE = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(1))
NOISE = erf.Noise(patch=8, draws=2, sigma=0.3)


class Block(nn.Module):
    """A residual block; its sum is no module's output."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = (nn.Conv2d(4, 4, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.two(torch.relu(self.one(x))))


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.block = nn.Conv2d(3, 4, 3, stride=2, padding=1), Block()

    def forward(self, x: Tensor) -> Tensor:
        return torch.nn.functional.interpolate(self.block(self.stem(x)), scale_factor=2)


class Sum(nn.Module):
    """The same network up to the sum."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        x = self.net.stem(x)
        return x + self.net.block.two(torch.relu(self.net.block.one(x)))


class Tokens(nn.Module):
    """Two others before the patches' tokens; ``hidden`` hides from a graph where they are."""

    def __init__(self, hidden: bool) -> None:
        super().__init__()
        self.patches, self.norm = nn.Conv2d(3, 6, 8, stride=8), nn.LayerNorm(6)
        self.others, self.hidden = nn.Parameter(torch.randn(1, 2, 6)), hidden

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        if self.hidden:
            back = torch.arange(16).flip(0) + 0 * tokens.sum(-1).argsort(1)
            tokens = tokens.flip(1).gather(1, back[..., None].expand(-1, -1, 6))
        return self.norm(torch.cat([self.others.expand(len(x), -1, -1), tokens], 1))


@pytest.fixture(scope="module")
def net() -> Net:
    torch.manual_seed(0)
    return Net().eval()


def test_operations_are_listed_with_their_module_and_a_number(net):
    found = {each.name: each for each in erf.layers(net, (32, 32), every=True)}
    names = [name for name in found if "/" in name]
    assert names == ["block/relu", "block/add"]  # the last relu is the block's output
    assert (found["block/add"].channels, found["block/add"].size) == (4, (16, 16))
    assert not any("/" in each.name for each in erf.layers(net, (32, 32)))


@pytest.mark.parametrize("engine", ["auto", "delta", "dense"])
def test_an_operation_is_probed_as_a_model_that_ends_there(net, engine):
    expected = erf.probe(Sum(net), IMAGE, "output", NOISE, unit="all", engine="dense")
    found = erf.probe(net, IMAGE, "block/add", NOISE, unit="all", engine=engine)
    np.testing.assert_allclose(found.discrepancy, expected.discrepancy, atol=1e-5)
    assert found.theory.size == (11, 11)


def test_theory_and_gradient_of_an_operation(net):
    field = erf.theoretical_field(net, "block/add", image_size=(32, 32))
    truth = erf.theoretical_field(Sum(net), "output", image_size=(32, 32))
    assert (field.size, field.stride, field.status) == (truth.size, truth.stride, "exact")
    found = erf.gradient_field(net, IMAGE, "block/add")
    np.testing.assert_allclose(
        found.discrepancy, erf.gradient_field(Sum(net), IMAGE, "output").discrepancy, atol=1e-5
    )


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ("block/sub", "no operation 'block/sub' in the model; there are block/relu, block/add"),
        ("block/add#2", "'block/add' runs 1 times, so not 2"),
        ("block/add[0]", "is one tensor, without members"),
    ],
)
def test_an_operation_that_there_is_not(net, layer, words):
    with pytest.raises(erf.LayerError, match=words.replace("[", r"\[")):
        erf.probe(net, IMAGE, layer, NOISE)


def test_an_operation_needs_a_graph(net):
    with pytest.raises(erf.LayerError, match="known from an export of the model alone"):
        erf.Subject(net, IMAGE, graph=False).probe("block/add", NOISE)
    with pytest.raises(erf.LayerError, match="known from an export of the model alone"):
        erf.theoretical_field(net, "block/add", image_size=(32, 32), method="nan")


@pytest.mark.parametrize("graph", [True, False])
def test_a_grid_that_is_told_is_that_which_a_graph_finds(graph):
    torch.manual_seed(0)
    known, hidden = Tokens(False), Tokens(True)
    hidden.load_state_dict(known.state_dict())
    expected = erf.probe(known, IMAGE, "norm", NOISE, unit="all", engine="dense")
    assert expected.unit_count == (4, 4)
    subject = erf.Subject(hidden, IMAGE, graph=graph)
    found = subject.probe(
        "norm[grid=4x4+2]", erf.Noise(8, draws=2, sigma=0.3, engine="dense"), unit="all"
    )
    np.testing.assert_allclose(found.discrepancy, expected.discrepancy, atol=1e-5)
    assert found.target.layer == "norm[grid=4x4+2]"


def test_theory_of_a_told_grid_is_a_bound_as_where_a_graph_finds_it():
    field = erf.theoretical_field(Tokens(True), "norm[grid=4x4+2]", image_size=(32, 32))
    assert (field.units, field.status) == ((4, 4), "upper_bound")
    told, found = (
        erf.theoretical_field(Tokens(False), name, image_size=(32, 32))
        for name in ("norm[grid=4x4+2]", "norm")
    )
    assert told.unit((0, 1)) == found.unit((0, 1))


def test_a_row_of_tokens_says_what_would_make_it_a_map():
    class Row(Tokens):
        def forward(self, x: Tensor) -> Tensor:
            if float(x.mean()) > 1e9:  # cannot be exported
                return x
            return super().forward(x)

    words = r"--grid ROWS,COLS and --prefix N \(in a layer's name, norm\[grid=ROWSxCOLS\+N\]\)"
    with pytest.raises(erf.LayerError, match=words):
        erf.probe(Row(False), IMAGE, "norm", NOISE)
    with pytest.raises(erf.LayerError, match="shape 18x6 is no row of 1 and 4x4 tokens"):
        erf.probe(Row(False), IMAGE, "norm[grid=4x4+1]", NOISE)
    with pytest.raises(erf.LayerError, match="has no dimension of 17 tokens, 1 and 4x4"):
        erf.probe(Tokens(True), IMAGE, "norm[grid=4x4+1]", NOISE)
    with pytest.raises(erf.LayerError, match="a grid of 0x4 has no tokens"):
        erf.probe(Tokens(True), IMAGE, "norm[grid=0x4]", NOISE)
