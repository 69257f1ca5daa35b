"""Looking at a field while it grows must not change what grows."""

import importlib

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import erf
from cli import main
from parsenet import load_checkpoint, open_dataset, usual_experiment
from parsenet.scenes import HELD_OUT, SceneSpec, render
from parsenet.training import usual_picture
from strategies.datasets import write_camvid

TINY = ["--width", "0.0625", "--iterations", "4", "--batch-size", "2", "--size", "64"]


@pytest.fixture(autouse=True)
def few_scenes(monkeypatch):
    monkeypatch.setattr(importlib.import_module("parsenet.training.trained"), "SCORED_SCENES", 6)
    monkeypatch.setattr(
        "parsenet.training.loop.keep_freed_memory", lambda: True
    )  # the tests' process is shared


def train(folder, *more):
    done = CliRunner().invoke(main, ["train", *TINY, "--out", str(folder), *more])
    assert done.exit_code == 0, done.output
    return load_checkpoint(folder / "parsenet-late.safetensors")


def test_a_training_that_is_looked_at_goes_the_same_way(tmp_path):
    alone = train(tmp_path / "alone")
    seen = train(tmp_path / "seen", "--probe-every", "2", "--probe-layer", "conv5_3")
    names = sorted(path.name for path in (tmp_path / "seen" / "probes").iterdir())
    assert names == [f"iteration-{number:06d}.zarr" for number in (0, 2, 4)]
    for name, tensor in alone.model.state_dict().items():
        assert torch.equal(tensor, seen.model.state_dict()[name]), name


def test_the_last_look_is_a_probe_of_the_finished_model(tmp_path):
    checkpoint = train(tmp_path / "run", "--probe-every", "4", "--probe-layer", "conv5_3")
    last = erf.open(tmp_path / "run" / "probes" / "iteration-000004.zarr")
    again = erf.probe(
        checkpoint.model,
        checkpoint.input_space.tensor(last.picture),
        "conv5_3",
        patch=last.settings.patch,
        stride=last.settings.stride,
        draws=last.draws,
        sigma=last.settings.sigma,
    )
    assert np.allclose(again.discrepancy, last.discrepancy, rtol=1e-3)
    first = erf.open(tmp_path / "run" / "probes" / "iteration-000000.zarr")
    assert not np.allclose(first.discrepancy, last.discrepancy, rtol=1e-3)


def test_what_is_looked_at_can_be_named_and_is_of_the_data_set_if_not(tmp_path):
    how = ["--probe-every", "4", "--probe-layer", "conv5_3,conv4_3", "--probe-patch", "16"]
    train(tmp_path / "run", *how, "--probe-draws", "1", "--probe-unit", "1,2")
    for layer in ("conv5_3", "conv4_3"):
        folder = tmp_path / "run" / "probes" / layer
        assert sorted(p.name for p in folder.iterdir()) == [
            "iteration-000000.zarr", "iteration-000004.zarr"
        ]  # fmt: skip
        found = erf.open(folder / "iteration-000004.zarr")
        assert found.unit == (1, 2)
        assert (found.settings.patch, found.settings.draws) == (16, 1)
        assert np.array_equal(found.picture, render(SceneSpec(seed=0, size=64), HELD_OUT).image)
    Image.fromarray(np.full((48, 80, 3), 7, np.uint8)).save(tmp_path / "own.png")
    own = ["--probe-every", "4", "--probe-layer", "conv3_3", "--probe-image"]
    train(tmp_path / "own", *own, str(tmp_path / "own.png"))
    found = erf.open(tmp_path / "own" / "probes" / "iteration-000004.zarr")
    assert found.picture.shape == (48, 80, 3)


def test_a_photo_of_the_data_set_is_looked_at(tmp_path):
    write_camvid(tmp_path / "data", {"train": ["a_1", "a_2"]}, size=(48, 64))
    experiment = usual_experiment(data="camvid", root=str(tmp_path / "data"))
    levels, name = usual_picture(experiment)
    assert name == "a_1"
    assert np.array_equal(levels, open_dataset("camvid", tmp_path / "data", "train")[0][0])


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--probe-unit", "corner", "corner"),
        ("--probe-image", "nowhere.png", "nowhere.png: no such file"),
    ],
)
def test_what_cannot_be_looked_at_is_said_before_anything_is_trained(
    tmp_path, option, value, words
):
    out = ["--probe-every", "2", "--out", str(tmp_path / "run")]
    done = CliRunner().invoke(main, ["train", *TINY, *out, option, value])
    assert done.exit_code == 2
    assert words in done.output
    assert not (tmp_path / "run").exists()
