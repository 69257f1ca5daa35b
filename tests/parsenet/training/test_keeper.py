"""Snapshots as checkpoints, and the best of them."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from click.testing import CliRunner

from cli import main
from parsenet import (
    CheckpointError,
    TrainingError,
    build,
    evaluate,
    load_checkpoint,
    load_weights,
    named_recipe,
    train_into,
    transplant,
    usual_experiment,
)
from parsenet.offer import load
from parsenet.training import RunSettings, SnapshotWarning, usual_scoring
from parsenet.training.journal import read_journal
from parsenet.training.scoring import Scoring
from parsenet.training.settings import read_keep
from parsenet.training.snapshot import BEST, load_snapshot, save_snapshot, snapshots
from strategies.snapshots import snapshot


@pytest.fixture(autouse=True)
def few_scenes(monkeypatch):
    monkeypatch.setattr("parsenet.training.trained.SCORED_SCENES", 2)


def tiny(**changes):
    recipe = named_recipe("scenes").override(**{"max_iter": 4, "batch_size": 2} | changes)
    return usual_experiment(size=64, options={"width": 1 / 64}, recipe=recipe)


def kept(**how):
    scoring = usual_scoring(tiny(), every=1, limit=2)
    return RunSettings(workers=0, snapshot_every=1, keep=4, keep_best=True, scoring=scoring, **how)


@pytest.fixture
def folder(tmp_path):
    train_into(tmp_path / "run", tiny(), run=kept(), command="as said")
    return tmp_path / "run"


def test_every_snapshot_is_a_checkpoint(folder):
    paths = snapshots(folder)
    assert len(paths) == 4
    end = load_checkpoint(folder / "parsenet-late.safetensors")
    for iteration, path in enumerate(paths, start=1):
        found = load_checkpoint(path)
        assert (found.classes, found.input_space) == (end.classes, end.input_space)
        assert found.training["iteration"] == iteration
        assert found.training["command"] == "as said"
        saved = load_snapshot(path).model
        for name, tensor in found.model.state_dict().items():
            assert torch.equal(tensor, saved[name]), name
    state = load_checkpoint(paths[-1]).model.state_dict()
    assert all(torch.equal(state[name], t) for name, t in end.model.state_dict().items())


def test_a_snapshot_is_taken_by_all_that_take_checkpoints(folder, tmp_path):
    path = str(snapshots(folder)[1])
    offered = load(path)
    assert offered is not None
    assert not offered.random
    model = build("parsenet", classes=21, width=1 / 64, batch_norm=True, dropout=False)
    planted = transplant(model, load_weights(path))
    assert not [name for name in planted.fresh if "score" not in name]
    common = ["--data", "scenes", "--limit", "1", "--json"]
    done = CliRunner().invoke(main, ["evaluate", path, *common])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["images"] == 1
    probing = ["--image-size", "64", "--patch", "32", "--draws", "1", "--out", str(tmp_path / "p")]
    done = CliRunner().invoke(main, ["probe", path, "--layer", "fc7", *probing])
    assert done.exit_code == 0, done.output


def test_a_snapshot_that_was_damaged_is_no_checkpoint(folder):
    path = snapshots(folder)[0]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1  # of the optimizer's state
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged: its checksum differs"):
        load_checkpoint(path)


def test_a_snapshot_of_a_model_without_a_name_says_so(tmp_path):
    path = save_snapshot(snapshot(1), tmp_path)
    with pytest.raises(CheckpointError, match="is a snapshot that does not say which network"):
        load_checkpoint(path)


def test_the_best_is_that_of_the_highest_score_the_earliest_of_equals(tmp_path, monkeypatch):
    values = iter([0.2, 0.5, 0.5, 0.4])
    monkeypatch.setattr(Scoring, "scores", lambda *_: {"mean_iou": next(values)})
    train_into(tmp_path / "run", tiny(), run=kept())
    best = load_snapshot(tmp_path / "run" / BEST)
    assert best.iteration == 2
    assert best.reached["reached"] == {"mean_iou": 0.5}
    second = load_snapshot(snapshots(tmp_path / "run")[1])
    assert all(torch.equal(tensor, second.model[name]) for name, tensor in best.model.items())


def test_its_score_is_that_of_the_weights_in_the_file(folder):
    best = load_checkpoint(folder / BEST)
    lines = read_journal(folder / "metrics.jsonl")
    assert best.training["reached"]["mean_iou"] == max(line["mean_iou"] for line in lines)
    scoring = usual_scoring(tiny(), every=1, limit=2)
    again = evaluate(best.model, scoring.images, best.input_space, limit=2)
    assert again.mean_iou == best.training["reached"]["mean_iou"]
    assert best.training["scored_on"] == "scenes val, 2 images"


@pytest.mark.parametrize("same", [True, False])
def test_a_training_that_goes_on_compares_with_the_best_so_far_of_the_same_images(
    tmp_path, monkeypatch, same
):
    values = iter([0.9, 0.3, 0.4, 0.5])
    monkeypatch.setattr(Scoring, "scores", lambda *_: {"mean_iou": next(values)})
    stop = iter([False, True])
    with pytest.raises(KeyboardInterrupt):
        train_into(tmp_path / "run", tiny(), run=kept(stop=lambda: next(stop)))
    other = replace(kept(), scoring=usual_scoring(tiny(), every=1, limit=2 if same else 1))
    train_into(tmp_path / "run", run=other)
    best = load_snapshot(tmp_path / "run" / BEST)
    assert best.iteration == (1 if same else 4)


def test_a_damaged_best_one_gives_way(tmp_path, monkeypatch):
    values = iter([0.9, 0.3, 0.4, 0.5])
    monkeypatch.setattr(Scoring, "scores", lambda *_: {"mean_iou": next(values)})
    stop = iter([False, True])
    with pytest.raises(KeyboardInterrupt):
        train_into(tmp_path / "run", tiny(), run=kept(stop=lambda: next(stop)))
    (tmp_path / "run" / BEST).write_bytes(b"")
    with pytest.warns(SnapshotWarning, match=r"best.safetensors: is damaged.*; the next score is"):
        train_into(tmp_path / "run", run=kept())
    assert load_snapshot(tmp_path / "run" / BEST).iteration == 4


def test_the_best_of_nothing_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="cannot be kept of what is not scored"):
        RunSettings(keep_best=True)
    for word in ("0", "-1", "worst", "1.5"):
        with pytest.raises(TrainingError, match=f"above 0 or 'best', not '{word}'"):
            read_keep(word)
    words = ["train", "--keep", "best", "--out", str(tmp_path / "run")]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2
    assert "the best snapshot cannot be kept of what is not scored" in done.output
    assert not (tmp_path / "run").exists()


def test_old_snapshots_are_gone_on_from(folder, tmp_path):
    """Of before they were checkpoints: the same without a description."""
    path = snapshots(folder)[1]
    shutil.copytree(folder, tmp_path / "old", ignore=lambda *_: ["parsenet-late.safetensors"])
    for other in snapshots(tmp_path / "old"):
        other.unlink()
    old = replace(load_snapshot(path), description=None)
    save_snapshot(old, tmp_path / "old")
    gone_on = train_into(tmp_path / "old", run=kept())
    end = load_checkpoint(folder / "parsenet-late.safetensors").model.state_dict()
    for name, tensor in gone_on.checkpoint.model.state_dict().items():
        assert torch.equal(tensor, end[name]), name
