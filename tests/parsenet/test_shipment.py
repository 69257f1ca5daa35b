"""The shipped checkpoints: small, alike but for their fusion, and as good as they say."""

import importlib

import pytest

from parsenet import load_checkpoint
from parsenet.errors import CheckpointError
from parsenet.scenes import CLASSES, HELD_OUT, SceneSpec, score_scenes
from parsenet.shipment import SHIPPED, shipped


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_checkpoint_is_small_and_says_how_it_was_trained(name):
    path = shipped(name)
    checkpoint = load_checkpoint(path)
    assert path.stat().st_size <= 2 * 2**20
    assert checkpoint.options["fusion"] == name
    assert checkpoint.classes == CLASSES
    assert checkpoint.training["command"] == f"erf train --fusion {name}"


def test_they_differ_in_nothing_but_their_fusion():
    checkpoints = [load_checkpoint(shipped(name)) for name in SHIPPED]
    for field in ("recipe", "data", "software"):
        assert all(c.training[field] == checkpoints[0].training[field] for c in checkpoints)
    for checkpoint in checkpoints:
        assert {**checkpoint.options, "fusion": ""} == {**checkpoints[0].options, "fusion": ""}


def test_context_is_heard_from_afar_with_fusion_and_not_without():
    """On fresh scenes whose cues lie beyond the network's theoretical field."""
    spec = SceneSpec(seed=99, distance=(300, 600))
    scores = {
        name: score_scenes(
            load_checkpoint(shipped(name)).model, spec, first=HELD_OUT, scenes=12, bands=(300, 600)
        ).bands[0]
        for name in SHIPPED
    }
    assert scores["early"].cue_accuracy > 0.95
    assert scores["late"].cue_accuracy > 0.95
    assert scores["none"].cue_accuracy < 0.7
    assert min(scores["early"].mean_iou, scores["late"].mean_iou) > scores["none"].mean_iou + 0.15


def test_an_unknown_name_is_refused():
    with pytest.raises(
        CheckpointError, match="no shipped checkpoint 'mid'; there are none, early, late"
    ):
        shipped("mid")


def test_a_missing_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.import_module("parsenet.shipment"), "files", lambda _: tmp_path)
    with pytest.raises(CheckpointError, match=r"late.safetensors: the shipped checkpoint is miss"):
        shipped("late")
