"""Looking at a field while it grows must not change what grows."""

import importlib

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import erf
from cli import main
from parsenet import load_checkpoint

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
