"""Frozen trunks: what learns, and features that are computed once and are the same bits."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from parsenet import ModelError, TrainingError, build, named_recipe, train_into, usual_experiment
from parsenet.freezing import FeatureWarning, freeze_trunk, kept_features, trunk_layers
from parsenet.training import RunSettings, prepare
from parsenet.training.multipliers import Multipliers, parameter_groups
from strategies.datasets import write_camvid

RUN = RunSettings(workers=0)
PHOTO = torch.randn(2, 3, 48, 64, generator=torch.Generator().manual_seed(0))


def network(variant="parsenet", **options):
    torch.manual_seed(0)
    return build(variant, classes=3, width=1 / 64, **options)


def experiment(root, **changes):
    write_camvid(root, {"train": ["a_1", "a_2", "a_3"]}, size=(48, 64))
    changes = {"max_iter": 4, "iter_size": 3, "base_lr": 1e-4} | changes
    recipe = named_recipe("parsenet-release").override(**changes)
    options = {"width": 1 / 64, "batch_norm": True}
    usual = usual_experiment(data="camvid", root=str(root), options=options, recipe=recipe)
    return replace(usual, freeze="trunk")


@pytest.mark.parametrize("variant", ["parsenet", "fcn8s"])
def test_a_frozen_trunk_neither_learns_nor_drops_out(variant):
    net = network(variant)
    freeze_trunk(net)
    trained = {name.split(".")[0] for name, p in net.named_parameters() if p.requires_grad}
    assert trained
    assert not trained & set(trunk_layers(net))
    assert net.training
    assert not net.fc7.dropout.training
    with pytest.raises(ModelError, match="Linear has no trunk that is known"):
        freeze_trunk(nn.Linear(2, 2))


@pytest.mark.parametrize("options", [{"fusion": "early"}, {"local": ["fc7", "conv4_3"]}])
def test_kept_features_are_the_same_bits_and_computed_once(tmp_path, options, monkeypatch):
    net = network(dropout=False, **options)
    freeze_trunk(net)
    expected = net(PHOTO)
    calls = []
    forward = type(net.conv1_1).forward
    monkeypatch.setattr(
        type(net.conv1_1), "forward", lambda self, x: (calls.append(self), forward(self, x))[1]
    )
    with kept_features(net, tmp_path):
        first = net(PHOTO)
        count = len(calls)
        second = net(PHOTO.flip(0)).flip(0)
        assert len(calls) == count > 0
    for found in (first, second):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(first, second)
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2
    assert "trunk" not in vars(net)


def test_other_weights_other_images_and_damage_do_not_find_them(tmp_path):
    net = network(dropout=False)
    freeze_trunk(net)
    with kept_features(net, tmp_path):
        net(PHOTO)
    with torch.no_grad():
        net.conv3_1.conv.weight += 1e-3
    expected = net(PHOTO)
    with kept_features(net, tmp_path):
        torch.testing.assert_close(net(PHOTO), expected, rtol=1e-4, atol=1e-4)
        net(PHOTO + 1e-3)
    files = list(tmp_path.rglob("*.safetensors"))
    assert len(files) == 6
    for path in files:
        path.write_bytes(b"half")
    with kept_features(net, tmp_path):
        torch.testing.assert_close(net(PHOTO), expected, rtol=1e-4, atol=1e-4)


def test_in_evaluation_nothing_is_kept_and_a_learning_trunk_is_refused(tmp_path):
    net = network()
    refused = pytest.raises(ModelError, match="features of a trunk that is trained change")
    with refused, kept_features(net, tmp_path):
        pass
    freeze_trunk(net)
    with kept_features(net.eval(), tmp_path):
        net(PHOTO)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_said_once_and_features_are_computed(tmp_path, monkeypatch):
    monkeypatch.setattr("parsenet.freezing.RESERVE", 2**62)
    net = network(dropout=False)
    freeze_trunk(net)
    with kept_features(net, tmp_path), pytest.warns(FeatureWarning, match="no more features") as w:
        net(PHOTO)
    assert len(w) == 1
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_training_is_the_same_with_kept_features(tmp_path, monkeypatch):
    wanted = train_into(tmp_path / "one", experiment(tmp_path / "data"), run=RUN)
    assert len(list((tmp_path / "one" / "features").rglob("*.safetensors"))) == 3
    from contextlib import nullcontext

    monkeypatch.setattr("parsenet.training.into.kept_features", lambda *_: nullcontext())
    plain = train_into(tmp_path / "two", experiment(tmp_path / "data"), run=RUN)
    fresh = prepare(experiment(tmp_path / "data")).model.state_dict()
    state = plain.checkpoint.model.state_dict()
    for name, tensor in wanted.checkpoint.model.state_dict().items():
        assert torch.equal(tensor, state[name]), name
        trunk = name.split(".")[0] in trunk_layers(plain.checkpoint.model)
        assert torch.equal(tensor, fresh[name]) == trunk or name.endswith("upscore.bias"), name


def test_what_cannot_be_frozen(tmp_path):
    with pytest.raises(TrainingError, match="freeze must be 'trunk' or nothing, not 'all'"):
        prepare(replace(experiment(tmp_path), freeze="all"))


def test_rates_by_layer():
    recipe = named_recipe("scenes").override(layer_rates=["conv1_*=0.1", "fc7=0", "*_score=3"])
    net = network(batch_norm=True)
    groups = parameter_groups(net, recipe.multipliers, weight_decay=0.0)
    rates = {id(p): group["lr_mult"] for group in groups for p in group["params"]}
    assert rates[id(net.conv1_2.conv.weight)] == 0.1
    assert rates[id(net.conv2_1.conv.weight)] == 1
    assert rates[id(net.fc7.norm.bias)] == 0
    assert rates[id(net.fc7_norm_score.weight)] == 3
    assert rates[id(net.fc7_norm.gamma)] == 1
    both = Multipliers(1, 1, 10, (("conv*", 0.5), ("conv3_1", 2.0)))
    assert both.of(net.conv3_1.conv, "weight", "conv3_1.conv") == (2.0, 1.0)
    assert both.of(net.fc7_norm_score, "weight", "fc7_norm_score") == (10.0, 1.0)
    for wrong in (["conv1"], ["conv1=fast"], ["=2"], "conv1=2", ["conv1=-1"]):
        with pytest.raises(TrainingError, match="layer_rates must be a list of PATTERN=FACTOR"):
            recipe.override(layer_rates=wrong)


def test_a_rate_of_nothing_leaves_a_layer_as_it_was(tmp_path):
    data = replace(experiment(tmp_path / "data", layer_rates=["fc7_norm_score=0"]), freeze="")
    fresh = prepare(data).model.state_dict()["fc7_norm_score.weight"].clone()
    trained = train_into(tmp_path / "run", data, run=RUN).checkpoint.model.state_dict()
    assert np.array_equal(trained["fc7_norm_score.weight"], fresh)
    assert not torch.equal(trained["upscore.weight"], prepare(data).model.upscore.weight)
