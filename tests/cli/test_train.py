"""`erf train` as a user runs it: at a tiny size, and on everything that can be wrong."""

import importlib

import pytest
import torch
from click.testing import CliRunner

from cli.train import train
from parsenet import load_checkpoint
from parsenet.scenes import CLASSES, HELD_OUT, SceneSpec, render, score_scenes

TINY = ["--width", "0.0625", "--iterations", "2", "--batch-size", "2", "--size", "64"]


def run(*arguments):
    return CliRunner().invoke(train, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def few_scenes(monkeypatch):
    monkeypatch.setattr(importlib.import_module("cli.train"), "SCORED_SCENES", 6)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "deep" / "net.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("cli.train"), "SCORED_SCENES", 6)
        done = run(*TINY, "--seed", 4, "--fusion", "early", "--no-normalize", "--out", path)
    assert done.exit_code == 0, done.output
    return path, done.output


def test_a_training_reports_scores_and_writes_a_checkpoint(trained):
    path, output = trained
    checkpoint = load_checkpoint(path)
    assert checkpoint.variant == "parsenet"
    assert checkpoint.classes == CLASSES
    assert checkpoint.options["fusion"] == "early"
    assert checkpoint.options["normalize"] is False
    assert checkpoint.options["width"] == 0.0625
    assert f"erf probe {path}" in output.replace("\n", "")
    assert "cue right" in output
    assert "2/2" in output
    for name in CLASSES:
        assert name in output


def test_the_scores_in_the_metadata_are_those_of_the_weights_in_the_file(trained):
    checkpoint = load_checkpoint(trained[0])
    spec = SceneSpec(seed=0, size=64)
    again = score_scenes(checkpoint.model, spec, first=HELD_OUT, scenes=6)
    scores = checkpoint.training["scores"]
    assert scores["mean_iou"] == again.whole.mean_iou
    objects = sum(len(render(spec, HELD_OUT + index).objects) for index in range(6))
    assert sum(band["objects"] for band in scores["by_cue_distance"]) == objects
    assert scores["scenes"] == 6


def test_the_metadata_tell_how_to_train_it_again(trained, tmp_path):
    path, _ = trained
    training = load_checkpoint(path).training
    assert training["command"] == (
        "erf train --fusion early --no-normalize --width 0.0625 --iterations 2 --batch-size 2 "
        "--seed 4 --size 64"
    )
    assert training["recipe"]["seed"] == 4
    assert training["recipe"]["max_iter"] == 2
    again = tmp_path / "net.safetensors"
    words = training["command"].split()[2:]
    assert run(*words, "--out", again).exit_code == 0
    first, second = (load_checkpoint(file).model.state_dict() for file in (path, again))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_without_out_the_first_free_name_is_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(*TINY).exit_code == 0
    assert run(*TINY).exit_code == 0
    names = sorted(path.name for path in (tmp_path / "erf-runs").iterdir())
    assert names == ["parsenet-late-2.safetensors", "parsenet-late.safetensors"]


def test_nothing_is_overwritten(tmp_path):
    path = tmp_path / "mine.safetensors"
    path.write_bytes(b"precious")
    done = run(*TINY, "--out", path)
    assert done.exit_code == 2
    assert done.output.splitlines()[-1].endswith(f"--out {path}: exists; name a new file")
    assert path.read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--iterations", 0, "0 is not in the range x>=1"),
        ("--batch-size", -1, "-1 is not in the range x>=1"),
        ("--learning-rate", 0, "0.0 is not in the range 0<x<=1"),
        ("--width", 0, "0.0 is not in the range 0<x<=1"),
        ("--width", "nan", "nan is not a finite number"),
        ("--learning-rate", "nan", "nan is not a finite number"),
        ("--size", 63, "63 is not in the range 64<=x<=2048"),
        ("--seed", -1, "-1 is not in the range"),
        ("--fusion", "middle", "'middle' is not one of 'none', 'early', 'late'"),
        ("--out", "net.pt", "a checkpoint's name ends in .safetensors"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_code_2(option, value, words):
    done = run(*TINY, option, value)
    assert done.exit_code == 2
    assert words in done.output.splitlines()[-1]


def test_an_interrupt_ends_it_without_a_traceback_or_a_file(tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("torch.optim.AdamW.step", interrupted)
    done = run(*TINY, "--out", tmp_path / "net.safetensors")
    assert done.exit_code == 1
    assert done.output.endswith("Aborted!\n")
    assert "Traceback" not in done.output
    assert not list(tmp_path.iterdir())
