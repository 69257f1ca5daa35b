"""Bringing a model in by the command: names, weights, what it takes in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from click.testing import CliRunner, Result
from PIL import Image

import erf
from cli import main


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    levels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(levels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_without_a_layer_the_stages_are_named_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("probe", "resnet18", "--image-size", 64)
    assert done.exit_code == 2
    assert "with --layer, such as relu, layer1, layer2, layer3, layer4" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_weights_of_a_file_decide_the_result_and_are_recorded(tmp_path: Path, photo: Path) -> None:
    torch.manual_seed(5)
    model = torchvision.models.resnet18(weights=None).eval()
    state = {f"module.{name}": tensor for name, tensor in model.state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "mine.pth")
    done = run(
        *("probe", "resnet18", "--weights", tmp_path / "mine.pth", "--layer", "layer1"),
        *("--image", photo, "--patch", 32, "--draws", 1, "--out", tmp_path / "run"),
        *("--mean", "0.5,0.5,0.5", "--std", "0.25,0.25,0.25", "--range", 1),
    )
    assert done.exit_code == 0, done.output
    assert "note: mine.pth: taken out of 'state_dict'" in done.stderr
    assert "note: mine.pth: prefix 'module' taken off" in done.stderr
    assert "resnet18 (trained)" in done.stdout
    result = erf.open(tmp_path / "run" / "result.zarr")
    found = result.origin["model"]
    assert found["random"] is False
    assert found["input_space"] == {
        "mean": [127.5] * 3,
        "std": [63.75] * 3,
        "channel_order": "rgb",
    }
    space = erf.InputSpace((127.5,) * 3, (63.75,) * 3)
    image = space.tensor(np.array(Image.open(photo)))
    by_hand = erf.probe(model, image, "layer1", result.settings)
    # To rounding: the command keeps a journal, whose blocks are other batches.
    np.testing.assert_allclose(result.discrepancy, by_hand.discrepancy, rtol=1e-6)
    assert found["weights_sha256"] == by_hand.origin["model"]["weights_sha256"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--mean", "1,2,3"], "--mean and --std belong together"),
        (["--channels", "bgr"], "--channels and --range belong to --mean and --std"),
        (["--mean", "a,b,c", "--std", "1,1,1"], "'a,b,c' are not numbers"),
        (["--mean", "1,1,1", "--std", "0,1,1"], "must be 3 numbers above zero"),
        (["--model-args", "width"], "'width' is not NAME=VALUE"),
        (["--model-args", "depth=3"], "resnet18: cannot be built"),
        (["--weights", "none.pth"], "none.pth: no such file"),
        (["--weights", "V7"], "resnet18 has no weights 'V7'"),
        (["--device", "abacus"], "device abacus: cannot be used"),
        (["--range", "nan"], "nan is not a finite number"),
    ],
)
@pytest.mark.parametrize("command", ["layers", "theory"])
def test_mistakes_in_a_line(command: str, words: list[str], message: str) -> None:
    done = run(command, "resnet18", *words)
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert message in line


def test_a_function_of_a_file_with_arguments(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "import torch\ndef build(width):\n    return torch.nn.Conv2d(3, width, 3)\n"
    )
    done = run("layers", f"{tmp_path}/net.py:build", "--model-args", "width=7", "--image-size", 16)
    assert done.exit_code == 0, done.output
    assert "ran its code" in done.stderr
    (row,) = (line.split() for line in done.stdout.splitlines() if "Conv2d" in line)
    assert "7" in row
    assert "14" in row


def test_models_are_listed_by_a_part_of_their_name() -> None:
    done = run("models", "wide_resnet")
    assert {"wide_resnet101_2", "wide_resnet50_2"} <= set(done.stdout.split())
    assert all("wide_resnet" in name for name in done.stdout.split())
    assert run("models", "no such").exit_code == 2


def test_a_random_model_is_refused_or_fixed(tmp_path: Path, photo: Path) -> None:
    (tmp_path / "net.py").write_text(
        "import torch\n"
        "class Noisy(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.conv = torch.nn.Conv2d(3, 4, 3)\n"
        "        self.out = torch.nn.Identity()\n"
        "    def forward(self, x):\n"
        "        x = self.conv(x)\n"
        "        return self.out(x + torch.randn_like(x))\n"
    )
    words = ["probe", f"{tmp_path}/net.py:Noisy", "--layer", "out", "--image", photo]
    words += ["--patch", "32", "--draws", "1"]
    refused = run(*words, "--out", tmp_path / "a")
    assert refused.exit_code == 2
    assert "the model is random: layer 'out'" in refused.stderr
    assert not (tmp_path / "a").exists()
    fixed = run(*words, "--random", "fixed", "--out", tmp_path / "b")
    assert fixed.exit_code == 0, fixed.output
    origin = erf.open(tmp_path / "b" / "result.zarr").origin
    assert origin["model"]["random_numbers"] == "fixed"
