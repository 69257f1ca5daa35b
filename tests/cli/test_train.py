"""`erf train` as a user runs it: at a tiny size, and on everything that can be wrong."""

import importlib
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from cli import main
from parsenet import load_checkpoint
from parsenet.datasets import open_dataset
from parsenet.datasets.registry import DATASETS
from parsenet.evaluation import evaluate
from parsenet.scenes import CLASSES, HELD_OUT, SceneSpec, render, score_scenes
from parsenet.training import usual_distance, usual_workers
from parsenet.training.journal import read_journal
from strategies.datasets import write_camvid, write_voc
from strategies.killing import start

ROOT = Path(__file__).parents[2]
TINY = ["--width", "0.0625", "--iterations", "3", "--batch-size", "2", "--size", "64"]


def run(*arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("parsenet.training.trained"), "SCORED_SCENES", 6)
        patch.setattr(
            "parsenet.training.loop.keep_freed_memory", lambda: True
        )  # the tests' process is shared
        return CliRunner().invoke(main, ["train", *map(str, arguments)])


def weights(path):
    return load_checkpoint(path).model.state_dict()


def assert_same_weights(one, other):
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "deep"
    done = run(*TINY, "--seed", 4, "--fusion", "early", "--no-normalize", "--out", folder)
    assert done.exit_code == 0, done.output
    return folder, done.output


def test_a_training_reports_scores_and_writes_a_checkpoint(trained):
    folder, output = trained
    path = folder / "parsenet-early.safetensors"
    checkpoint = load_checkpoint(path)
    assert checkpoint.variant == "parsenet"
    assert checkpoint.classes == CLASSES
    options = {"fusion": "early", "normalize": False, "width": 0.0625, "batch_norm": True}
    assert checkpoint.options == {**options, "dropout": False}
    assert f"erf probe {path}" in output.replace("\n", "")
    assert "cue right" in output
    assert "3/3" in output
    for name in CLASSES:
        assert name in output
    assert [line["iteration"] for line in read_journal(folder / "metrics.jsonl")] == [1, 2, 3]


def test_the_scores_in_the_metadata_are_those_of_the_weights_in_the_file(trained):
    checkpoint = load_checkpoint(trained[0] / "parsenet-early.safetensors")
    spec = SceneSpec(seed=0, size=64)
    again = score_scenes(checkpoint.model, spec, first=HELD_OUT, scenes=6)
    scores = checkpoint.training["scores"]
    assert scores["mean_iou"] == again.whole.mean_iou
    objects = sum(len(render(spec, HELD_OUT + index).objects) for index in range(6))
    assert sum(band["objects"] for band in scores["by_cue_distance"]) == objects
    assert scores["scenes"] == 6


def test_the_command_in_the_metadata_trains_it_again(trained, tmp_path):
    path = trained[0] / "parsenet-early.safetensors"
    training = load_checkpoint(path).training
    assert training["command"] == (
        "erf train --fusion early --no-normalize --width 0.0625 --iterations 3 --batch-size 2 "
        "--seed 4 --size 64"
    )
    assert training["recipe"]["seed"] == 4
    assert run(*training["command"].split()[2:], "--out", tmp_path / "again").exit_code == 0
    assert_same_weights(path, tmp_path / "again" / path.name)


def test_the_written_configuration_trains_it_again(trained, tmp_path):
    folder, _ = trained
    assert tomllib.loads((folder / "config.toml").read_text())["recipe"]["max_iter"] == 3
    done = run("--config", folder / "config.toml", "--out", tmp_path / "again")
    assert done.exit_code == 0, done.output
    name = "parsenet-early.safetensors"
    assert_same_weights(folder / name, tmp_path / "again" / name)


def train_until_interrupted(folder):
    """End the process without any goodbye in the fifth iteration."""
    import os

    from parsenet.training.learner import Learner

    step = Learner.step

    def deadly(self, batch):
        if self.iteration == 4:
            os._exit(9)
        return step(self, batch)

    Learner.step = deadly
    main(["train", *LONGER, "--out", str(folder)])


# No workers: the process that is killed is a daemon, which may have no children.
LONGER = [*TINY, "--iterations", "6", "--snapshot-every", "3", "--workers", "0"]


def test_an_interrupted_training_goes_on_to_the_same_weights(tmp_path):
    process = start(train_until_interrupted, tmp_path / "stopped")
    process.join()
    assert process.exitcode == 9
    assert not list((tmp_path / "stopped").glob("parsenet-*"))
    done = run("--resume", tmp_path / "stopped", "--score-every", 5)
    assert done.exit_code == 0, done.output
    lines = read_journal(tmp_path / "stopped" / "metrics.jsonl")
    assert [line["iteration"] for line in lines if "mean_iou" in line] == [5, 6]
    assert run(*LONGER, "--out", tmp_path / "whole").exit_code == 0
    name = "parsenet-late.safetensors"
    assert_same_weights(tmp_path / "whole" / name, tmp_path / "stopped" / name)


@pytest.mark.parametrize(
    ("variant", "recipe", "bias_rate"), [("parsenet", 1e-8, 20), ("fcn32s", 1e-10, 2)]
)
def test_photos_are_trained_on_by_the_recipe_of_the_variant(variant, recipe, bias_rate, tmp_path):
    write_camvid(tmp_path / "data", {"train": ["a_1", "a_2", "a_3"]}, size=(48, 64))
    options = ["--width", "0.03125", "--iterations", "1", "--set", "iter_size=2"]
    where = ["--data", "camvid", "--root", tmp_path / "data", "--out", tmp_path / "run"]
    done = run(variant, *options, *where)
    assert done.exit_code == 0, done.output
    (path,) = (tmp_path / "run").glob(f"{variant}*.safetensors")
    checkpoint = load_checkpoint(path)
    assert len(checkpoint.classes) == 11
    plan = checkpoint.training["recipe"]
    assert (plan["base_lr"], plan["max_iter"], plan["iter_size"]) == (recipe, 1, 2)
    assert plan["bias_lr_mult"] * plan["classifier_lr_mult"] == bias_rate
    assert "scores" not in checkpoint.training
    assert "cue right" not in done.output
    assert f"score it: erf evaluate {path} --data camvid --root {tmp_path / 'data'}" in done.output


@pytest.mark.slow
def test_two_processes_train_as_one_does(tmp_path):
    """Without batch norm, whose statistics each process takes from its own images."""
    options = [*TINY, "--no-batch-norm", "--set", "solver=sgd", "--set", "base_lr=0.01"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*torchrun, "-m", "cli", "train", *options, "--out", str(tmp_path / "two")]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    assert run(*options, "--out", tmp_path / "one").exit_code == 0
    first, second = (weights(tmp_path / n / "parsenet-late.safetensors") for n in ("one", "two"))
    for name, tensor in first.items():
        assert torch.allclose(tensor, second[name], atol=1e-5), name
    assert len(read_journal(tmp_path / "two" / "metrics.jsonl")) == 3


def test_without_out_the_first_free_name_is_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(*TINY).exit_code == 0
    assert run(*TINY).exit_code == 0
    names = sorted(path.name for path in (tmp_path / "erf-runs").iterdir())
    assert names == ["parsenet-late", "parsenet-late-2"]


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "mine").write_text("precious")
    done = run(*TINY, "--out", tmp_path)
    assert done.exit_code == 2
    words = f"{tmp_path}: exists and holds something"
    assert words in done.output.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


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
        ("--recipe", "soup", "no recipe 'soup'; there are parsenet-release"),
        ("--set", "gama=1", "a recipe has no 'gama'"),
        ("--set", "power=-1", "power must be a number of at least 0, not -1"),
        ("--root", "photos", "--root photos: scenes are generated; name --data too"),
        ("--data", "coco", "no data set 'coco'; there are voc2012"),
        ("--data", "camvid", "camvid: needs the root folder of its files"),
        ("--init", "nowhere.pth", "nowhere.pth: no such file"),
        ("--local", "fc7,fc9", "local must name some of"),
        ("--config", "nowhere.toml", "--config takes no width: that is settled"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_code_2(option, value, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(*TINY, option, value)
    assert done.exit_code == 2
    assert words in done.output.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_a_configuration_that_is_none_and_a_training_that_has_ended_are_refused(trained, tmp_path):
    ended = run("--resume", trained[0])
    assert ended.exit_code == 2
    assert ended.output.splitlines()[-1].endswith(f"{trained[0]}: this training has ended")
    none = run("--resume", tmp_path)
    assert none.exit_code == 2
    assert f"{tmp_path / 'config.toml'}: no such file" in none.output.splitlines()[-1]


def test_scores_in_between_go_into_the_journal_and_to_the_screen(tmp_path):
    folder = tmp_path / "run"
    done = run(*TINY, "--score-every", 2, "--score-limit", 3, "--out", folder)
    assert done.exit_code == 0, done.output
    lines = {line["iteration"]: line for line in read_journal(folder / "metrics.jsonl")}
    assert [iteration for iteration in lines if "mean_iou" in lines[iteration]] == [2, 3]
    model = load_checkpoint(folder / "parsenet-late.safetensors").model
    again = score_scenes(model, SceneSpec(seed=0, size=64), first=HELD_OUT, scenes=3)
    assert lines[3]["mean_iou"] == pytest.approx(again.whole.mean_iou)
    assert f"IoU {again.whole.mean_iou:.3f}" in done.output


def test_photos_are_scored_on_a_split_that_can_be_named(tmp_path):
    splits = {"train": ["a_1", "a_2"], "val": ["b_1"], "test": ["c_1", "c_2"]}
    write_camvid(tmp_path / "data", splits, size=(48, 64))
    where = ["--data", "camvid", "--root", tmp_path / "data", "--width", 0.03125]
    how = ["--iterations", 1, "--set", "iter_size=1", "--score-every", 5, "--score-split"]
    done = run(*where, *how, "test", "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    (line,) = read_journal(tmp_path / "run" / "metrics.jsonl")
    checkpoint = load_checkpoint(tmp_path / "run" / "parsenet-late.safetensors")
    data = open_dataset("camvid", tmp_path / "data", "test")
    truth = evaluate(checkpoint.model, data, checkpoint.input_space)
    assert line["mean_iou"] == pytest.approx(truth.mean_iou)
    refused = run(*where, *how, "validation", "--out", tmp_path / "other")
    assert refused.exit_code == 2
    assert "camvid: no split 'validation'; there are train, val, test" in refused.output
    assert not (tmp_path / "other").exists()


def test_context_none_fuses_local_features_alone(tmp_path):
    options = ["--context", "none", "--local", "fc7,conv4_3", "--iterations", 1]
    done = run(*TINY, *options, "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    model = load_checkpoint(tmp_path / "run" / "parsenet-late.safetensors").model
    assert not [name for name, _ in model.named_modules() if name.startswith("pool6")]
    again = run("--config", tmp_path / "run" / "config.toml", "--out", tmp_path / "again")
    assert again.exit_code == 0, again.output
    name = "parsenet-late.safetensors"
    assert_same_weights(tmp_path / "run" / name, tmp_path / "again" / name)


def test_as_many_snapshots_are_kept_as_asked_for(tmp_path):
    done = run(*TINY, "--snapshot-every", 1, "--keep", 3, "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "run").glob("iteration-*.safetensors"))) == 3


@pytest.mark.parametrize(
    ("iterations", "distance"), [(1, 1), (30, 1), (500, 25), (20_000, 500), (300_000, 500)]
)
def test_by_default_a_twentieth_lies_between_snapshots_and_at_most_500_iterations(
    iterations, distance
):
    assert usual_distance(iterations) == distance


@pytest.mark.parametrize(
    ("device", "cores", "processes", "threads", "workers"),
    [
        ("cpu", 1, 1, 1, 0),
        ("cpu", 2, 1, 2, 0),
        ("cpu", 2, 1, 1, 1),
        ("cpu", 3, 1, 3, 1),
        ("cpu", 16, 1, 16, 2),
        ("cpu", 16, 8, 1, 1),
        ("cpu", 2, 2, 1, 0),
        ("cuda", 2, 1, 2, 1),
        ("cuda", 16, 1, 16, 2),
    ],
)
def test_by_default_workers_take_the_cores_that_training_leaves(
    device, cores, processes, threads, workers, monkeypatch
):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(cores), raising=False)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(processes))
    monkeypatch.setattr("torch.get_num_threads", lambda: threads)
    assert usual_workers(torch.device(device)) == workers


def test_data_that_has_moved_is_found_by_naming_its_new_root(tmp_path):
    write_camvid(tmp_path / "data", {"train": ["a_1", "a_2"]}, size=(48, 64))
    options = ["--data", "camvid", "--width", 0.03125, "--iterations", 1, "--set", "iter_size=1"]
    done = run(*options, "--root", tmp_path / "data", "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    (tmp_path / "data").rename(tmp_path / "moved")
    again = ["--config", tmp_path / "run" / "config.toml"]
    lost = run(*again, "--out", tmp_path / "lost")
    assert lost.exit_code == 2
    assert f"nothing of it is in {tmp_path / 'data'}" in lost.output
    done = run(*again, "--root", tmp_path / "moved", "--out", tmp_path / "again")
    assert done.exit_code == 0, done.output


def test_data_is_fetched_first_where_it_can_be(tmp_path, monkeypatch):
    def fetch(root, split):
        write_voc(root, {split: ["2007_000001", "2007_000002"]})

    entry = replace(DATASETS["voc2012"], download=fetch)
    monkeypatch.setitem(DATASETS._things, "voc2012", entry)
    options = ["--width", 0.03125, "--iterations", 1, "--set", "iter_size=1", "--out"]
    voc = ["--data", "voc2012", "--split", "train", "--root", tmp_path / "data", *options]
    assert "nothing of it is in" in run(*voc, tmp_path / "early").output
    done = run("--download", *voc, tmp_path / "run")
    assert done.exit_code == 0, done.output
    assert "download" not in (tmp_path / "run" / "config.toml").read_text()
    done = run("--data", "camvid", "--root", tmp_path, "--download", *options, tmp_path / "never")
    assert done.exit_code == 2
    assert "camvid: cannot be downloaded from here; only voc2012 can" in done.output
    assert not (tmp_path / "never").exists()


def test_an_interrupt_says_how_to_go_on(tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("parsenet.training.learner.Learner.step", interrupted)
    done = run(*TINY, "--score-every", 2, "--out", tmp_path / "run")
    assert done.exit_code == 1
    assert f"go on with: erf train --resume {tmp_path / 'run'} --score-every 2\n" in done.output
    assert done.output.endswith("Aborted!\n")
    assert "Traceback" not in done.output
