import re

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from cli import main


@pytest.fixture
def model(tmp_path, monkeypatch):
    """Three convolutions in a file of the user's."""
    (tmp_path / "net.py").write_text(
        "import torch\nfrom torch import nn\n"
        "def build(end='none'):\n"
        "    torch.manual_seed(0)\n"
        "    layers = [nn.Conv2d(3, 4, 5, padding=2), nn.Tanh(), nn.Conv2d(4, 4, 5, padding=2)]\n"
        "    return nn.Sequential(*layers, *([nn.InstanceNorm2d(4)] if end == 'norm' else []))\n"
    )
    monkeypatch.chdir(tmp_path)
    levels = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    (tmp_path / "photos").mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(levels).save(tmp_path / "photos" / name)
        levels = levels[::-1]
    return "net.py:build"


def run(*words):
    return CliRunner().invoke(main, ["tiles", *words])


def test_the_margins_of_theory_are_printed(model):
    done = run(model, "--image-size", "60", "--tile", "32,60")
    assert done.exit_code == 0, done.stderr
    assert "output at 60x60 px in tiles of 32x60 px" in done.stdout
    assert (
        "  margins    top 4, left 0, bottom 4, right 0 px, none at the image's border"
        in done.stdout
    )
    assert "  starts     at multiples of 1x1 px" in done.stdout
    # They begin at 0, 24 and 28: 96 rows for 60.
    assert "  tiles      3x1, 60 % more pixels than the image has" in done.stdout


def test_what_photos_need_is_measured_and_drawn(model, tmp_path):
    done = run(
        *(model, "--image-size", "60", "--tile", "32", "--image", "photos", "--layer", "2"),
        *("--tolerance", "1e-4", "--figure", "margins.png"),
    )
    assert done.exit_code == 0, done.stderr
    assert re.search(
        r"^  4 px are enough for a change below 0.01 % .* of 2 photos", done.stdout, re.M
    )
    assert "with a probability of at most 0.33" in done.stdout
    assert (tmp_path / "margins.png").stat().st_size > 10_000


def test_a_model_without_a_margin_is_refused_or_measured(model):
    words = (model, "--model-args", "end=norm", "--image-size", "60", "--tile", "32")
    done = run(*words)
    assert done.exit_code == 2
    assert "no overlap is enough" in done.stderr
    assert "aten.instance_norm" in done.stderr
    done = run(*words, "--image", "photos/a.png")
    assert done.exit_code == 0, done.stderr
    assert "no overlap is enough" in done.stdout
    assert "take larger tiles" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--tile", "6"), "a tile of 6 px is too small"),
        (("--tile", "32", "--figure", "x.png"), "--figure draws what is measured: give --image"),
        (("--tile", "32", "--image", "none.png"), "none.png"),
        (("--tile", "32", "--layer", "9"), "layer '9'"),
        (("--tile", "32", "--image", "photos", "--figure", "net.py"), "net.py"),
        ((), "--tile"),
    ],
)
def test_what_is_wrong_is_a_line(model, words, message):
    done = run(model, "--image-size", "60", *words)
    assert done.exit_code == 2
    (line,) = [line for line in done.stderr.splitlines() if "note:" not in line]
    assert message in line
