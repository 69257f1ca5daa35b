"""Delta against dense on whole networks: random ones, the project's own, and torchvision's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from torch import nn
from torchvision.models import get_model

from erf.engines.delta import DeltaEngine
from erf.geometry import PatchGrid, Target
from erf.graph import Graph, export
from erf.model import observe_maps
from erf.theoretical.analyse import analyse
from parsenet import build
from strategies.engines import both, collect, noise, worst_error
from strategies.networks import RandomNetwork, networks

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def _double(graph: Graph) -> Graph:
    """The same graph with its parameters in double precision."""
    constants = {
        node: value.double() if value.is_floating_point() else value
        for node, value in graph.constants.items()
    }
    return replace(graph, constants=constants)


def _outside(graph: Graph, layer: str, grid: PatchGrid, patches: Sequence[int]) -> np.ndarray:
    """Which units lie out of reach of each patch: (patches, unit_rows, unit_cols)."""
    top, left, bottom, right = np.moveaxis(analyse(graph, [layer])[0].boxes(), -1, 0)
    out = []
    for patch in patches:
        box = grid.box(patch)
        rows = (bottom <= box.top) | (top >= box.bottom)
        out.append(rows | (right <= box.left) | (left >= box.right))
    return np.stack(out)


def check_network(network: RandomNetwork) -> np.ndarray:
    """Assert what must hold of every network; relative errors of single precision."""
    layer = network.layers[-1]
    graph = export(network.model, (1, network.channels, *network.image_size))
    image = network.image()[0]
    model = deepcopy(network.model).double()
    clean = model(image[None].double())[0]
    grid = PatchGrid(network.image_size, patch=4, stride=3)
    some = np.random.default_rng(len(grid)).choice(len(grid), 6, replace=False).tolist()
    unit = (clean.shape[1] // 2, clean.shape[2] // 3)
    targets = [Target(layer), Target(layer, unit)]
    found, truth, _ = both(
        model, image.double(), targets, grid, patches=some, draws=1, graph=_double(graph)
    )
    activation = float(torch.linalg.vector_norm(clean, dim=0).max())
    for mine, theirs in zip(found, truth, strict=True):
        assert worst_error(mine, theirs, activation) <= 1e-4
    outside = _outside(graph, layer, grid, some)
    assert (found[0][:, 0][outside] == 0).all()
    engine = DeltaEngine(graph, image, targets)
    change = noise(4, network.channels, torch.float32)
    single = collect(engine, grid, some, 1, change)
    assert (single[0][:, 0][outside] == 0).all()
    seen = found[0] > 1e-12 * activation
    return np.abs(single[0] - found[0])[seen] / found[0][seen]


def _check_many(count: int, check: Callable[[RandomNetwork], np.ndarray]) -> None:
    errors: list[np.ndarray] = []

    @settings(max_examples=count, deadline=None, suppress_health_check=QUIET, derandomize=True)
    @given(network=networks(size=(14, 26), blocks=(2, 4)))
    def run(network: RandomNetwork) -> None:
        with torch.no_grad():
            errors.append(check(network))

    run()
    together = np.concatenate(errors)
    assert np.median(together) <= 1e-6
    assert np.quantile(together, 0.99) <= 1e-3


def test_random_networks() -> None:
    _check_many(60, check_network)


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600)
def test_random_networks_many() -> None:
    _check_many(2000, check_network)


def check_model(
    model: nn.Module,
    targets: Sequence[Target],
    size: tuple[int, int],
    *,
    patch: int = 8,
    count: int = 3,
    tolerance: float = 1e-4,
) -> DeltaEngine:
    """Assert that delta is dense in double precision on a few patches."""
    torch.manual_seed(0)
    model = model.eval().double()
    image = torch.randn(3, *size, dtype=torch.float64)
    grid = PatchGrid(size, patch, patch)
    some = np.linspace(0, len(grid) - 1, count + 2).astype(int)[1:-1].tolist()
    found, truth, engine = both(model, image, targets, grid, patches=some, draws=1)
    with torch.no_grad():
        responses = observe_maps(model, image[None], [target.layer for target in targets], None)
    for mine, theirs, target in zip(found, truth, targets, strict=True):
        activation = float(torch.linalg.vector_norm(responses[target.layer], dim=1).max())
        assert theirs.max() > 1e-9 * activation
        assert worst_error(mine, theirs, activation) <= tolerance
    return engine


FUSIONS = {
    "none": {"fusion": "none"},
    "late": {},
    "late_plain": {"normalize": False},
    "early": {"fusion": "early"},
    "early_plain": {"fusion": "early", "normalize": False},
    "early_many": {"fusion": "early", "local": ("fc7", "conv5_3", "conv4_3", "conv3_3")},
    "late_many": {"local": ("fc7", "conv5_3", "conv4_3"), "batch_norm": True},
    "stride_32": {"stride": 32, "fc6": "full"},
}


@pytest.mark.parametrize("name", FUSIONS)
def test_every_fusion_of_parsenet(name: str) -> None:
    torch.manual_seed(0)
    model = build("parsenet", width=0.125, **FUSIONS[name])
    targets = [Target("score", (30, 40)), Target("fc7"), Target("conv4_3", (3, 4))]
    engine = check_model(model, targets, (64, 80))
    assert engine.notes == ()


@pytest.mark.parametrize("name", ["fcn32s", "fcn16s", "fcn8s"])
def test_fcn(name: str) -> None:
    torch.manual_seed(0)
    model = build(name, width=0.125)
    targets = [Target("score", (30, 40)), Target("fc7"), Target("pool4", (8, 9))]
    engine = check_model(model, targets, (64, 80))
    assert engine.notes == ()


def _torchvision(name: str) -> nn.Module:
    torch.manual_seed(0)
    options: dict[str, object] = {}
    if name.startswith(("deeplab", "lraspp")):
        options["weights_backbone"] = None
    if name == "inception_v3":
        options |= {"init_weights": False, "aux_logits": False, "transform_input": False}
    model = get_model(name, weights=None, **options)
    _calibrate(model, NETWORKS[name][1] if name in NETWORKS else (64, 64))
    return model


def _calibrate(model: nn.Module, size: tuple[int, int]) -> None:
    """Batch norms with the statistics of noise: with made-up ones the change of a patch dies out
    before the end of a deep network."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for module in norms:
        module.momentum = 1.0
    if norms:
        with torch.no_grad():
            model.train()(torch.randn(4, 3, *size))


class Tokens(nn.Module):
    """A vision transformer's tokens laid out as the map they came from."""

    def __init__(self, transformer: nn.Module) -> None:
        super().__init__()
        self.transformer = transformer
        self.map = nn.Identity()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        net = self.transformer
        tokens = net._process_input(image)
        first = net.class_token.expand(len(image), -1, -1)
        tokens = net.encoder(torch.cat([first, tokens], 1))[:, 1:]
        side = round(tokens.shape[1] ** 0.5)
        return self.map(tokens.transpose(1, 2).reshape(len(image), -1, side, side))


NETWORKS: dict[str, tuple[str, tuple[int, int]]] = {
    "vgg16": ("features.28", (48, 64)),
    "resnet18": ("layer4", (64, 80)),
    "resnet50": ("layer3", (64, 64)),
    "densenet121": ("features.denseblock3", (64, 64)),
    "mobilenet_v3_small": ("features.12", (64, 80)),
    "efficientnet_b0": ("features.8", (64, 64)),
    "convnext_tiny": ("features.7", (64, 96)),
    "shufflenet_v2_x1_0": ("conv5", (64, 96)),
    "inception_v3": ("Mixed_7c", (139, 139)),
    "deeplabv3_resnet50": ("classifier", (48, 48)),
    "lraspp_mobilenet_v3_large": ("classifier", (64, 80)),
}
QUICK = ("resnet18", "mobilenet_v3_small", "shufflenet_v2_x1_0", "convnext_tiny")
HEAVY = [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in NETWORKS]


@pytest.mark.parametrize("name", HEAVY)
def test_torchvision(name: str) -> None:
    layer, size = NETWORKS[name]
    engine = check_model(_torchvision(name), [Target(layer, (1, 1)), Target(layer)], size)
    assert engine.notes == ()


@pytest.mark.slow
def test_transformers_by_differences() -> None:
    swin = check_model(
        _torchvision("swin_t"), [Target("permute"), Target("permute", (1, 2))], (64, 96)
    )
    assert swin.notes == ()
    vit = Tokens(get_model("vit_b_16", weights=None, image_size=64))
    engine = check_model(vit, [Target("map"), Target("map", (1, 2))], (64, 64))
    assert "aten.scaled_dot_product_attention (12x)" in engine.notes[0]
