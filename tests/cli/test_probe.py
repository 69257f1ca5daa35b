"""`erf probe` as a user runs it: on small inputs, and on everything that can be wrong."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import erf
from cli import main
from parsenet import Checkpoint, build, save_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    torch.manual_seed(0)
    options = {"width": 0.0625, "fusion": "late"}
    model = build("parsenet", classes=3, **options)
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    names = ("a", "b", "c")
    save_checkpoint(
        Checkpoint("parsenet", options, names, (120.0,) * 3, (60.0,) * 3, model=model), path
    )
    return path


@pytest.fixture
def photo(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 80, 3), dtype=np.uint8)
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    return path


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def coarse(checkpoint, photo, *more):
    settings = ["--patch", 32, "--stride", 16, "--draws", 2]
    return run("probe", checkpoint, "--image", photo, *settings, *more)


def test_a_probe_writes_what_the_library_measures(checkpoint, photo, tmp_path):
    out = tmp_path / "run"
    done = coarse(
        checkpoint, photo, "--layer", "conv5_3", "--unit", "3,4", "--seed", 5, "--out", out
    )
    assert done.exit_code == 0, done.output
    result = erf.open(out / "result.zarr")
    from parsenet import load_checkpoint

    image = torch.from_numpy((np.asarray(Image.open(photo), np.float32) - 120) / 60).permute(
        2, 0, 1
    )
    expected = erf.probe(
        load_checkpoint(checkpoint).model,
        image,
        "conv5_3",
        unit=(3, 4),
        patch=32,
        stride=16,
        draws=2,
        sigma=25 / 60,
        seed=5,
        engine="dense",
    )
    assert result.discrepancy == pytest.approx(expected.discrepancy, rel=1e-3)
    assert np.array_equal(result.picture, np.asarray(Image.open(photo)))
    assert Image.open(out / "field.png").size[0] > 300
    for words in ("tiny", "conv5_3@3,4", "32 px, 16 px", "204", str(out / "field.png")):
        assert words in done.output


def test_the_stride_defaults_to_half_the_patch(checkpoint, photo, tmp_path):
    settings = ["--image", photo, "--patch", 32, "--draws", 1, "--out", tmp_path / "run"]
    assert run("probe", checkpoint, *settings).exit_code == 0
    assert erf.open(tmp_path / "run" / "result.zarr").plan.stride == 16


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--layer", "conv5_4", "layer 'conv5_4' is not one of the model's"),
        ("--layer", "conv5_4", "did you mean conv5_"),
        ("--unit", "8,0", "unit 8,0 is outside layer 'fc7', which has 8x10 units"),
        ("--unit", "nowhere", "unit 'nowhere' is none of center, max, all or ROW,COL"),
        ("--channel", 64, "channel 64 is outside layer 'fc7', which has 64 channels"),
        ("--patch", 65, "patch 65 is larger than the image (64x80)"),
        ("--patch", 0, "0 is not in the range x>=1"),
        ("--draws", -3, "-3 is not in the range x>=1"),
        ("--sigma", 0, "0.0 is not in the range x>0"),
        ("--stride", 17, "stride 17 is larger than patch 16"),
        ("--stimulus", "fog", "stimulus 'fog' is none of blur"),
        ("--memory", "lots", "memory 'lots'"),
    ],
)
def test_a_wrong_setting_is_one_line_and_exit_code_2(
    checkpoint, photo, tmp_path, option, value, words
):
    settings = ["--patch", 16, "--out", tmp_path / "run", option, value]
    done = run("probe", checkpoint, "--image", photo, *settings)
    assert_refused(done, words)
    assert not (tmp_path / "run").exists()


def assert_refused(done, words):
    assert done.exit_code == 2
    message = done.output.strip().splitlines()[-1]
    assert message.startswith("Error: ")
    assert words in message
    assert "Traceback" not in done.output


def test_pictures_that_are_none(checkpoint, tmp_path):
    text = tmp_path / "text.jpg"
    text.write_text("not a picture")
    assert_refused(coarse(checkpoint, text), "text.jpg: is no image that can be read")
    assert_refused(coarse(checkpoint, tmp_path / "absent.jpg"), "absent.jpg: no such file")
    assert_refused(coarse(checkpoint, tmp_path), "cannot be read as an image")
    whole = tmp_path / "whole.png"
    Image.new("RGB", (64, 64), "red").save(whole)
    half = tmp_path / "half.png"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(half)
    half.write_bytes(half.read_bytes()[:2000])
    assert_refused(coarse(checkpoint, half), "half.png: cannot be read as an image")


def test_models_that_are_none(checkpoint, photo, tmp_path):
    damaged = tmp_path / "damaged.safetensors"
    shutil.copy(checkpoint, damaged)
    damaged.write_bytes(damaged.read_bytes()[:-100])
    assert_refused(coarse(damaged, photo), "damaged.safetensors: is no readable safetensors file")
    pickled = tmp_path / "model.pth"
    torch.save({"a": torch.zeros(2)}, pickled)
    assert_refused(coarse(pickled, photo), "model.pth: is no readable safetensors file")
    assert_refused(coarse(tmp_path / "no.safetensors", photo), "no.safetensors: no such file")
    assert_refused(coarse("resnet51", photo), "did you mean resnet50")
    assert_refused(coarse("timm:resnet51", photo), "timm")


def test_a_place_that_is_taken_keeps_what_it_holds(checkpoint, photo, tmp_path):
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "thesis.txt").write_text("years of work")
    assert_refused(coarse(checkpoint, photo, "--out", taken), "exists and holds something")
    assert [p.name for p in taken.iterdir()] == ["thesis.txt"]
    assert_refused(coarse(checkpoint, photo, "--out", taken / "thesis.txt"), "is a file")
    assert (taken / "thesis.txt").read_text() == "years of work"


def test_without_out_every_run_gets_a_folder_of_its_own(checkpoint, photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert coarse(checkpoint, photo.resolve()).exit_code == 0
    names = {path.name for path in Path("erf-runs").iterdir()}
    assert names == {"tiny-fc7", "tiny-fc7-2"}


def test_layers_are_listed_with_shapes(checkpoint):
    done = run("layers", checkpoint, "--image-size", "64,80")
    assert done.exit_code == 0
    rows = {line.split()[0]: line.split()[2:] for line in done.output.splitlines() if line.strip()}
    assert rows["conv5_3"] == ["32", "8", "x", "10"]
    assert rows["fc7"] == ["64", "8", "x", "10"]
