"""A training in a folder in one call, and what of an older folder it goes on with."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import parsenet
from parsenet import TrainingError, load_checkpoint, named_recipe, train_into, usual_experiment
from parsenet.scenes import HELD_OUT, SceneSpec, score_scenes
from parsenet.training import RunSettings, read_config, usual_scoring
from parsenet.training.journal import read_journal

# Written by version 0.1.0 before a training in a folder was one call: six iterations, of which the
# one that stopped made four, and the checkpoint of the one that did not.
OLD = Path(__file__).parents[1] / "old"
ALONE = RunSettings(workers=0)


@pytest.fixture(autouse=True)
def few_scenes(monkeypatch):
    monkeypatch.setattr("parsenet.training.trained.SCORED_SCENES", 2)


def tiny(**changes):
    recipe = named_recipe("scenes").override(**{"max_iter": 3, "batch_size": 2} | changes)
    return usual_experiment(size=64, options={"width": 1 / 64}, recipe=recipe)


def test_one_call_trains_scores_and_saves(tmp_path):
    seen, looks = [], []
    run = replace(ALONE, scoring=usual_scoring(tiny(), every=2, limit=1))
    trained = train_into(
        tmp_path / "run",
        tiny(),
        run=run,
        on_step=seen.append,
        look=lambda model, space, iteration: looks.append((space, iteration)),
        command="as said",
    )
    assert trained.path == tmp_path / "run" / "parsenet-late.safetensors"
    assert [step.iteration for step in seen] == [1, 2, 3]
    assert looks == [(trained.checkpoint.input_space, iteration) for iteration in range(4)]
    assert ["mean_iou" in line for line in read_journal(tmp_path / "run/metrics.jsonl")] == [
        False, True, True
    ]  # fmt: skip
    loaded = load_checkpoint(trained.path)
    again = score_scenes(loaded.model, SceneSpec(seed=0, size=64), first=HELD_OUT, scenes=2)
    assert trained.scores.whole.mean_iou == again.whole.mean_iou
    assert loaded.training["scores"]["mean_iou"] == again.whole.mean_iou
    assert loaded.training["command"] == "as said"
    assert read_config(tmp_path / "run") == tiny()


def test_an_interrupted_training_goes_on_by_its_folder_alone_and_is_not_looked_at_as_new(tmp_path):
    def stop(step):
        if step.iteration == 2:
            raise KeyboardInterrupt

    looks = []
    with pytest.raises(KeyboardInterrupt):
        train_into(tmp_path / "run", tiny(), run=ALONE, on_step=stop)
    trained = train_into(
        tmp_path / "run", run=ALONE, look=lambda model, space, iteration: looks.append(iteration)
    )
    assert looks == [3]
    whole = train_into(tmp_path / "whole", tiny(), run=ALONE)
    for name, tensor in whole.checkpoint.model.state_dict().items():
        assert torch.equal(tensor, trained.checkpoint.model.state_dict()[name]), name


def test_folders_that_cannot_be_trained_into(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").touch()
    with pytest.raises(TrainingError, match="mine: holds something other than a training; name"):
        train_into(tmp_path / "mine", tiny())
    with pytest.raises(TrainingError, match=r"config.toml: no such file|nowhere: no such file"):
        train_into(tmp_path / "nowhere")
    train_into(tmp_path / "run", tiny(), run=ALONE)
    with pytest.raises(TrainingError, match="run: this training has ended"):
        train_into(tmp_path / "run", tiny())
    (tmp_path / "run" / "parsenet-late.safetensors").unlink()
    with pytest.raises(TrainingError, match="run: its training has seed 0, not 5"):
        train_into(tmp_path / "run", tiny(seed=5))
    moved = replace(tiny(), root="elsewhere")
    assert train_into(tmp_path / "run", moved, run=ALONE).path.exists()


def test_what_does_not_exist_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(parsenet.DatasetError, match="camvid: needs the root folder"):
        train_into(tmp_path / "run", replace(tiny(), data="camvid"))
    assert not (tmp_path / "run").exists()


def test_an_old_checkpoint_is_read():
    checkpoint = load_checkpoint(OLD / "parsenet-early.safetensors")
    assert (checkpoint.variant, checkpoint.options["fusion"]) == ("parsenet", "early")
    assert checkpoint.training["recipe"]["max_iter"] == 6
    model = checkpoint.model
    scores = score_scenes(model, SceneSpec(seed=0, size=64), first=HELD_OUT, scenes=2)
    written = checkpoint.training["scores"]["mean_iou"]
    assert scores.whole.mean_iou == pytest.approx(written, abs=1e-3)


def test_an_old_folder_goes_on_to_the_weights_of_the_old_training(tmp_path):
    shutil.copytree(OLD / "stopped", tmp_path / "stopped")
    steps = []
    trained = train_into(tmp_path / "stopped", run=ALONE, on_step=steps.append)
    assert [step.iteration for step in steps] == [5, 6]
    assert [line["iteration"] for line in read_journal(tmp_path / "stopped/metrics.jsonl")] == list(
        range(1, 7)
    )
    old = load_checkpoint(OLD / "parsenet-early.safetensors").model.state_dict()
    for name, tensor in trained.checkpoint.model.state_dict().items():
        torch.testing.assert_close(tensor, old[name], rtol=1e-3, atol=1e-4)


def test_a_training_whose_photo_is_cut_leaves_nothing(tmp_path):
    data = tmp_path / "data"
    for name in ("images", "labels"):
        (data / name).mkdir(parents=True)
    (data / "classes.txt").write_text("a\nb\n")
    (data / "train.txt").write_text("p\n")
    label = np.zeros((64, 64), np.uint8)
    label[:32] = 1
    Image.fromarray(label).save(data / "labels" / "p.png")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(data / "images" / "p.png")
    whole = (data / "images" / "p.png").read_bytes()
    (data / "images" / "p.png").write_bytes(whole[:2000])
    experiment = replace(tiny(), data="folder", root=str(data))
    with pytest.raises(parsenet.ParseNetError, match=r"p\.png: cannot be read"):
        train_into(tmp_path / "a" / "run", experiment, run=ALONE)
    assert not (tmp_path / "a").exists()
    (data / "images" / "p.png").write_bytes(whole)
    assert train_into(tmp_path / "a" / "run", experiment, run=ALONE).path.exists()


def test_a_split_that_scenes_do_not_have_is_refused(tmp_path):
    with pytest.raises(parsenet.ParseNetError, match="scenes: no split 'x'"):
        train_into(tmp_path / "run", replace(tiny(), split="x"), run=ALONE)
    assert not (tmp_path / "run").exists()
