"""Inputs beside the image, images of many channels, grids, readings, types, by the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result
from PIL import Image

import erf
from cli import main

NETS = '''
import torch
from torch import nn

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.linear = nn.Linear(4, 4)

    def forward(self, x, vector, scale=1.0):
        return torch.tanh(self.conv(x) + scale * self.linear(vector)[..., None, None])

class Tokens(nn.Module):
    """Sorted in a way that no rule follows."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 6, 8, stride=8)
        self.norm = nn.LayerNorm(6)

    def forward(self, x):
        if float(x.mean()) > 1e9:  # so that it cannot be exported
            return x
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        return self.norm(torch.cat([tokens.mean(1, keepdim=True), tokens], 1))

def bands():
    return nn.Sequential(nn.Conv2d(13, 4, 3), nn.ReLU())

def strength(output):
    return output.square().sum(1, keepdim=True)

number = 3
'''


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(NETS)
    generator = np.random.default_rng(0)
    levels = generator.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(levels).save("photo.png")
    vector = generator.normal(size=(1, 4)).astype(np.float32)
    np.save("vector.npy", vector)
    np.savez("vector.npz", vector=vector, other=vector)
    torch.save({"vector": torch.from_numpy(vector)}, "vector.pt")
    np.save("bands.npy", generator.normal(size=(13, 32, 32)).astype(np.float32))
    return tmp_path


QUICK = ("--patch", 16, "--draws", 1, "--image", "photo.png")


def test_an_input_is_given_recorded_and_what_is_missing_is_named(folder: Path) -> None:
    missing = run("layers", "nets.py:Two")
    assert missing.exit_code == 2
    assert "Two needs 'vector' beside the image" in missing.stderr
    for name in ("vector.npy", "vector.npz", "vector.pt"):
        listed = run("layers", "nets.py:Two", "--input", f"vector={name}", "--image-size", 32)
        assert listed.exit_code == 0, listed.output
    done = run(
        *("probe", "nets.py:Two", "--layer", "output", "--out", "run", *QUICK),
        *("--input", "vector=vector.npy", "--input", "scale=2.5"),
    )
    assert done.exit_code == 0, done.output
    inputs = erf.open(folder / "run" / "result.zarr").origin["inputs"]
    assert inputs["scale"] == 2.5
    assert inputs["vector"]["shape"] == [1, 4]
    asked = json.loads((folder / "run" / "run.json").read_text())
    assert "scale" in json.dumps(asked)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("vector", "input 'vector' is not NAME=FILE"),
        ("vector=none.npy", "input vector=none.npy: no such file"),
        ("vector=[1,2]", "is a list; give a file"),
        ("vector=nets.py", "is neither .npy, .npz, a tensor (.pt) nor a photo"),
        ("vektor=vector.npy", "needs 'vector' beside the image"),
        ("more=vector.npz", "holds vector, other, none named 'more'"),
    ],
)
def test_an_input_that_is_none_is_refused_in_a_line(folder: Path, text: str, words: str) -> None:
    done = run("theory", "nets.py:Two", "--input", text, "--image-size", 32)
    assert done.exit_code == 2
    assert words in done.stderr
    assert "Traceback" not in done.output


def test_thirteen_channels_and_how_they_are_shown(folder: Path) -> None:
    space = ("--mean", ",".join(["0"] * 13), "--std", ",".join(["1"] * 13))
    done = run(
        *("probe", "nets.py:bands", "--layer", "1", "--image", "bands.npy", "--out", "run"),
        *("--patch", 16, "--draws", 1, *space),
    )
    assert done.exit_code == 0, done.output
    assert "the first three of 13 channels" in done.stdout.replace("\n", " ")
    result = erf.open(folder / "run" / "result.zarr")
    np.testing.assert_allclose(result.image, np.load("bands.npy"), rtol=1e-6)
    other = run("layers", "nets.py:bands")
    assert other.exit_code == 2
    assert "takes 13 channels (--mean and --std of 13 numbers say so)" in other.stderr


def test_a_grid_of_tokens_that_no_graph_tells(folder: Path) -> None:
    asked = ("probe", "nets.py:Tokens", "--layer", "norm", *QUICK)
    refused = run(*asked)
    assert refused.exit_code == 2
    assert "--grid ROWS,COLS and --prefix N" in refused.stderr
    wrong = run(*asked, "--grid", "4,4")
    assert "no row of 0 and 4x4 tokens" in wrong.stderr
    done = run(*asked, "--grid", "4,4", "--prefix", 1, "--out", "run")
    assert done.exit_code == 0, done.output
    assert erf.open(folder / "run" / "result.zarr").unit_count == (4, 4)
    lonely = run(*asked, "--prefix", 1)
    assert lonely.exit_code == 2
    assert "name --grid ROWS,COLS" in lonely.stderr


def test_a_reading_of_ones_own_and_another_type(folder: Path) -> None:
    done = run(
        *("probe", "nets.py:Two", "--layer", "conv", "--reading", "nets.py:strength", *QUICK),
        *("--input", "vector=vector.npy", "--dtype", "float64", "--out", "run"),
    )
    assert done.exit_code == 0, done.output
    result = erf.open(folder / "run" / "result.zarr")
    assert result.target.layer == "conv.strength"
    assert result.origin["dtype"] == "float64"
    assert result.origin["model"]["reading"]["function"] == "nets.py:strength"
    for text, words in (
        ("nets.py:nothing", "nets.py has no 'nothing'"),
        ("nets.py:number", "nets.py:number is a int, not a function"),
        ("nets.py", "neither file.py:function nor package.module:function"),
    ):
        refused = run("theory", "nets.py:bands", "--layer", "1", "--reading", text)
        assert refused.exit_code == 2
        assert words in refused.stderr


def test_operations_are_listed_and_asked(folder: Path) -> None:
    given = ("nets.py:Two", "--input", "vector=vector.npy", "--image-size", 32)
    listed = run("layers", *given, "--all")
    assert "/add" in listed.stdout
    assert "/add" not in run("layers", *given).stdout
    found = run("theory", *given, "--layer", "/add", "--unit", "center")
    assert found.exit_code == 0, found.output
    assert "3 x 3 pixels" in found.stdout
    unknown = run("theory", *given, "--layer", "/sub")
    assert unknown.exit_code == 2
    assert "no operation '/sub' in the model; there are /" in unknown.stderr


def test_names_are_completed_by_the_shell() -> None:
    completion = ShellComplete(main, {}, "erf", "_ERF_COMPLETE")
    models = [each.value for each in completion.get_completions(["probe"], "squeezenet1")]
    assert models == ["squeezenet1_0", "squeezenet1_1"]
    layers = completion.get_completions(["theory", "squeezenet1_1", "--layer"], "features.1")
    assert "features.10" in [each.value for each in layers]
    assert completion.get_completions(["theory", "no-such-model", "--layer"], "f") == []
