"""Norms of features against what the network's own children and a plain formula give."""

import numpy as np
import pytest
import torch
from torch import nn

from parsenet import Checkpoint, ModelError, build, feature_norms

LEVELS = (120.0, 110.0, 100.0), (60.0, 50.0, 40.0)


def checkpoint(**options):
    torch.manual_seed(0)
    options = {"width": 1 / 64, "local": ["fc7", "conv5_3"], **options}
    return Checkpoint(
        "parsenet", options, ("a", "b"), *LEVELS, model=build("parsenet", classes=2, **options)
    )


def picture():
    return np.random.default_rng(1).integers(0, 256, (40, 48, 3), dtype=np.uint8)


def test_norms_are_those_of_the_layers_and_of_gamma_times_unit_vectors():
    trained = checkpoint()
    model = trained.model.train()
    with torch.no_grad():
        for name in ("fc7_norm", "conv5_3_norm", "pool6_1x1_norm"):
            scale = next(model.get_submodule(name).parameters())
            scale.copy_(torch.rand_like(scale) + 1)
    before, after = feature_norms(trained, picture(), positions=10**6)
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())
    assert list(before) == list(after)
    assert set(before) == {"fc7", "conv5_3", "pool6_1x1"}
    model.eval()
    levels = (picture().astype(np.float32) - LEVELS[0]) / LEVELS[1]
    with torch.no_grad():
        image = torch.from_numpy(levels.transpose(2, 0, 1)[None].astype(np.float32))
        blobs = model.trunk(image, "fc7", "conv5_3")
    for name in ("fc7", "conv5_3"):
        blob = blobs[name][0].flatten(1).numpy().astype(float)
        gamma = next(model.get_submodule(f"{name}_norm").parameters()).detach().numpy().ravel()
        raw = np.sqrt((blob**2).sum(0))
        scaled = np.sqrt(((gamma[:, None] * blob) ** 2).sum(0)) / np.maximum(raw, 1e-12)
        np.testing.assert_allclose(np.sort(before[name]), np.sort(raw), rtol=1e-4)
        np.testing.assert_allclose(np.sort(after[name]), np.sort(scaled), rtol=1e-3, atol=1e-6)


def test_positions_are_drawn_by_the_seed_and_alike_before_and_after():
    trained = checkpoint()
    every, _ = feature_norms(trained, picture(), positions=10**6)
    first, after = feature_norms(trained, picture(), positions=5, seed=3)
    again, _ = feature_norms(trained, picture(), positions=5, seed=3)
    other, _ = feature_norms(trained, picture(), positions=5, seed=4)
    assert len(first["conv5_3"]) == len(after["conv5_3"]) == 5
    np.testing.assert_array_equal(first["conv5_3"], again["conv5_3"])
    assert (first["conv5_3"] != other["conv5_3"]).any()
    assert set(first["conv5_3"]) <= set(every["conv5_3"])


@pytest.mark.parametrize("fusion", ["early", "late"])
def test_features_that_are_not_normalised_are_those_that_are_fused(fusion):
    trained = checkpoint(normalize=False, fusion=fusion)
    norms, after = feature_norms(trained, picture(), positions=10**6)
    assert after == {}
    assert list(norms) == ["fc7", "conv5_3", "pool6_1x1"]
    levels = (picture().astype(np.float32) - LEVELS[0]) / LEVELS[1]
    image = torch.from_numpy(levels.transpose(2, 0, 1)[None].astype(np.float32))
    seen = {}
    for name in norms:
        trained.model.get_submodule(name).register_forward_hook(
            lambda _, __, output, name=name: seen.update({name: output})
        )
    with torch.no_grad():
        trained.model.eval()(image)
    for name, found in norms.items():
        expected = np.sqrt((seen[name][0].flatten(1).double().numpy() ** 2).sum(0))
        np.testing.assert_allclose(np.sort(found), np.sort(expected), rtol=1e-5)


def test_an_fcn_has_the_norms_of_the_layers_it_scores():
    model = build("fcn8s", classes=2, width=1 / 64)
    trained = Checkpoint("fcn8s", {"width": 1 / 64}, ("a", "b"), *LEVELS, model=model)
    norms, after = feature_norms(trained, picture())
    assert (list(norms), after) == (["fc7", "pool4", "pool3"], {})
    assert all(np.isfinite(each).all() for each in norms.values())


def test_other_networks_that_normalise_nothing_are_refused():
    other = Checkpoint("parsenet", {}, ("a", "b"), *LEVELS, model=nn.Conv2d(3, 2, 1))
    with pytest.raises(ModelError, match="Conv2d normalises no feature"):
        feature_norms(other, picture())
