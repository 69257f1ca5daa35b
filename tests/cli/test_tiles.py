import json
import re
import shutil

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
    (tmp_path / "empty").mkdir()
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
    assert re.search(r"^ +24:56 +4:28 +28:52$", done.stdout, re.M)
    assert done.stdout.count("pixels of the tile, its units that are kept") == 2


def test_of_many_tiles_the_first_and_the_last_are_printed_and_json_has_all(model):
    words = (model, "--image-size", "600", "--tile", "32")
    done = run(*words)
    assert done.stdout.count("\n") < 15
    assert "... 20 more, each 24 px further on" in done.stdout
    assert "568:600" in done.stdout
    found = json.loads(run(*words, "--json").stdout)
    assert (found["margins"]["top"], found["rows"]["step"]) == (4, 1)
    assert len(found["rows"]["pieces"]) == 25
    second = {"start": 24, "stop": 56, "first": 28, "last": 52, "skipped": 4}
    assert found["rows"]["pieces"][1] == second


def test_what_photos_need_is_measured_and_drawn(model, tmp_path):
    done = run(
        *(model, "--image-size", "60", "--tile", "32", "--image", "photos", "--layer", "2"),
        *("--tolerance", "1e-4", "--figure", "margins.png"),
    )
    assert done.exit_code == 0, done.stderr
    assert re.search(
        r"^  4 px are enough: tiles with this margin leave \S+ % of the layer's spread at the "
        r"worst of 2 photos, less than 0.01 %; another photo",
        done.stdout,
        re.M,
    )
    assert "  photos     2\n" in done.stdout
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
        (("--tile", "32", "--image", "photos", "--figure", "x.txt"), "--figure x.txt: must end in"),
        (("--tile", "32", "--image", "none.png"), "none.png"),
        (("--tile", "32", "--image", "empty"), "empty: the folder holds no image"),
        (("--tile", "64", "--image", "photos"), "an image of (60, 60) px is one tile"),
        (("--tile", "0"), "'0' is not ROWS,COLS"),
        (("--tile", "32", "--image-size", "-1"), "'-1' is not ROWS,COLS"),
        (("--tile", "32", "--tolerance", "0"), "0.0 is not in the range"),
        (("--tile", "32", "--tolerance", "nan"), "nan is not a finite number"),
        (("--tile", "32", "--input", "mask=x.npy"), "--input: tiles are cut of an image alone"),
        (("--tile", "32", "--layer", "9"), "layer '9'"),
        (("--tile", "32", "--image", "photos", "--figure", "net.py"), "net.py"),
        ((), "--tile"),
    ],
)
def test_what_is_wrong_is_a_line_and_nothing_is_written(model, tmp_path, words, message):
    before = sorted(each.name for each in tmp_path.iterdir())
    done = run(model, "--image-size", "60", *words)
    assert done.exit_code == 2
    shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
    (line,) = [line for line in done.stderr.splitlines() if "note:" not in line and "━" not in line]
    assert message in line
    assert done.stdout == ""
    assert sorted(each.name for each in tmp_path.iterdir()) == before
