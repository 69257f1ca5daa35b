"""Layers that do not put out (n, channels, rows, cols), against the map they are made of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models import get_model

import erf
from erf.engines.delta import DeltaEngine
from erf.engines.dense import DenseEngine
from erf.errors import LayerError
from erf.geometry import PatchGrid, Target
from erf.graph import export
from erf.modules import watched
from erf.probing import rank_specimens
from strategies.engines import collect, noise

SIZE = (24, 32)


class Disguised(nn.Module):
    """A map in the middle of a network, handed to an identity in another form."""

    def __init__(self, form: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.start = nn.Sequential(nn.Conv2d(3, 6, 5, stride=2, padding=2), nn.Tanh())
        self.form, self.layer = form, nn.Identity()
        self.end = nn.Linear(6, 5)
        self.after = nn.Sequential(nn.LayerNorm(5), nn.Softplus())

    def forward(self, image: Tensor) -> Tensor:
        x = self.start(image)
        return self.after(self.end(self.layer(self.form(x))))


def _windows(x: Tensor) -> Tensor:
    """Windows of four by four positions, one sequence of tokens each."""
    n, c, rows, cols = x.shape
    cut = x.view(n, c, rows // 4, 4, cols // 4, 4).permute(0, 2, 4, 3, 5, 1)
    return cut.reshape(-1, 16, c)


def _from_windows(tokens: Tensor) -> Tensor:
    channels = tokens.shape[-1]
    grid = tokens.view(-1, 3, 4, 4, 4, channels).permute(0, 5, 1, 3, 2, 4)
    return grid.reshape(-1, channels, 12, 16)


FORMS = {
    "last": (lambda x: x.permute(0, 2, 3, 1), lambda x: x.permute(0, 3, 1, 2)),
    "turned": (lambda x: x.permute(0, 3, 2, 1), lambda x: x.permute(0, 3, 2, 1)),
    "tokens": (
        lambda x: x.flatten(2).transpose(1, 2),
        lambda x: x.transpose(1, 2).unflatten(2, (12, 16)),
    ),
    "windows": (_windows, _from_windows),
}


@pytest.mark.parametrize("layer", ["layer", "after"])
@pytest.mark.parametrize("form", FORMS)
def test_both_engines_read_the_map(form: str, layer: str) -> None:
    """The truth: the layer's output turned into a map by hand, disturbed and clean."""
    torch.manual_seed(0)
    disguise, undo = FORMS[form]
    model = Disguised(disguise).double().eval()
    image, grid = torch.randn(3, *SIZE, dtype=torch.float64), PatchGrid(SIZE, 8, 8)
    change = noise(8, 3, torch.float64)
    patches = [0, 5, 11]
    truth = []
    with torch.no_grad(), watched(model, [layer]) as seen:
        model(image[None])
        clean = undo(seen[layer])
        for patch in patches:
            moved = image.clone()
            moved[:, *grid.box(patch).slices()] += change(np.array([patch]), np.array([0]))[0]
            model(moved[None])
            truth.append((undo(seen[layer]) - clean)[0])
    targets = [Target(layer), Target(layer, (4, 9)), Target(layer, (4, 9), 2)]
    graph = export(model, (1, 3, *SIZE))
    norms = torch.stack(truth).norm(dim=1).numpy()
    expected = [norms, norms[:, 4, 9], torch.stack(truth)[:, 2, 4, 9].abs().numpy()]
    engines = DeltaEngine(graph, image, targets), DenseEngine(model, image, targets, graph=graph)
    for engine in engines:
        with torch.no_grad():
            found = collect(engine, grid, patches, 1, change)
        for mine, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(mine[:, 0], theirs, rtol=1e-9, atol=1e-13)


def _classed(x: Tensor) -> Tensor:
    tokens = x.flatten(2).transpose(1, 2)
    return torch.cat([tokens.mean(1, keepdim=True), tokens], 1)


def _sorted(x: torch.Tensor) -> torch.Tensor:
    tokens = x.flatten(2).transpose(1, 2)
    return torch.cat([tokens[:, :7].flip(1), tokens[:, 7:]], 1)


def test_tokens_without_a_place_are_refused() -> None:
    model = Disguised(_sorted).eval()
    image, targets = torch.randn(3, *SIZE), [Target("layer", (0, 0))]
    graph = export(model, (1, 3, *SIZE))
    words = "'layer' puts out shape 2x192x6, not a map"
    with pytest.raises(LayerError, match=words):
        DeltaEngine(graph, image, targets)
    with pytest.raises(LayerError, match=words):
        DenseEngine(model, image, targets, graph=graph)


def test_tokens_with_a_class_token_are_their_grid_in_both_engines() -> None:
    model = Disguised(_classed).eval()
    image = torch.randn(3, *SIZE)
    found = [
        erf.probe(model, image, "layer", engine=engine, patch=8, draws=1, unit=(6, 8))
        for engine in ("delta", "dense")
    ]
    assert found[0].activation.shape == (12, 16)
    np.testing.assert_allclose(found[0].discrepancy, found[1].discrepancy, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("engine", ["auto", "dense"])
def test_a_probe_reads_the_map(engine: str, form: str) -> None:
    disguise, undo = FORMS[form]
    model = Disguised(disguise).eval()
    image = torch.randn(3, *SIZE)
    result = erf.probe(model, image, "layer", engine=engine, patch=8, stride=8, draws=1)
    assert result.target.unit == (6, 8)
    with torch.no_grad():
        clean = undo(disguise(model.start(image[None])))[0]
    np.testing.assert_allclose(result.activation, clean.norm(dim=0).numpy(), rtol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_layers_are_listed_and_images_ranked_by_the_map(form: str) -> None:
    disguise, undo = FORMS[form]
    model = Disguised(disguise).eval()
    (listed,) = [layer for layer in erf.layers(model, SIZE) if layer.name == "layer"]
    assert (listed.channels, listed.size) == (6, (12, 16))
    images = list(torch.randn(4, 3, *SIZE))
    with torch.no_grad():
        strongest = [float(undo(disguise(model.start(x[None])))[0, 5].max()) for x in images]
    ranked = rank_specimens([erf.Subject(model, image) for image in images], "layer", 5)
    assert [index for _, index in ranked] == list(np.argsort(strongest)[::-1])
    assert ranked[0][0] == pytest.approx(max(strongest), rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["features.1", "features.7", "norm"])
def test_stages_of_swin(layer: str) -> None:
    torch.manual_seed(0)
    model = get_model("swin_t", weights=None).double().eval()
    size = (64, 96)
    image, grid = torch.randn(3, *size, dtype=torch.float64), PatchGrid(size, 8, 8)
    graph, change, patches = export(model, (1, 3, *size)), noise(8, 3, torch.float64), [0, 40]
    with torch.no_grad(), watched(model, [layer]) as seen:
        model(image[None])
        clean = seen[layer]
        truth = []
        for patch in patches:
            moved = image.clone()
            moved[:, *grid.box(patch).slices()] += change(np.array([patch]), np.array([0]))[0]
            model(moved[None])
            truth.append((seen[layer] - clean)[0].norm(dim=-1).numpy())
        for engine in (
            DeltaEngine(graph, image, [Target(layer)]),
            DenseEngine(model, image, [Target(layer)], graph=graph),
        ):
            (found,) = collect(engine, grid, patches, 1, change)
            np.testing.assert_allclose(found[:, 0], np.stack(truth), rtol=1e-6, atol=1e-12)
