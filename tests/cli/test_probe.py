"""`erf probe` as a user runs it: on small inputs, and on everything that can be wrong."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import erf
from cli import main
from cli.probing.showcase import compare_shipped
from erf.graph import export
from parsenet import Checkpoint, build, load_checkpoint, save_checkpoint
from strategies.interrupted_probes import Gate


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
    assert Image.open(out / "result.png").size[0] > 300
    for words in ("tiny", "conv5_3@3,4", "32 px, 16 px", "204", str(out / "result.png")):
        assert words in done.output


def test_the_stride_defaults_to_the_patch(checkpoint, photo, tmp_path):
    settings = ["--image", photo, "--patch", 32, "--draws", 1, "--out", tmp_path / "run"]
    assert run("probe", checkpoint, *settings).exit_code == 0
    assert erf.open(tmp_path / "run" / "result.zarr").settings.stride == 32


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
        ("--draws", -3, "-3 is neither a number above 0 nor 'auto'"),
        ("--sigma", 0, "0.0 is not in the range x>0"),
        ("--stride", 17, "stride 17 is larger than patch 16"),
        ("--stimulus", "fog", "'--stimulus': 'fog' is none of blur"),
        ("--stimulus", "gaussain", "did you mean gaussian?"),
        ("--method", "guess", "'guess' is none of gradient, noise, occlusion"),
        ("--projections", 3, "--projections has no meaning with --method noise"),
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
    (message,) = [line for line in done.stderr.splitlines() if not line.startswith("Probing ")]
    assert message.startswith("Error: ")
    assert words in message
    assert "Traceback" not in done.output


def test_a_refusal_leaves_nothing_behind(checkpoint, photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    assert_refused(coarse(checkpoint, photo, "--layer", "conv9"), "conv9")
    assert_refused(coarse(checkpoint, photo, "--layer", "conv9", "--out", "a/b/c"), "conv9")
    assert set(tmp_path.iterdir()) == before
    (tmp_path / "mine").mkdir()
    assert_refused(coarse(checkpoint, photo, "--layer", "conv9", "--out", "mine/run"), "conv9")
    assert list((tmp_path / "mine").iterdir()) == []


def test_pictures_that_are_none(checkpoint, tmp_path):
    text = tmp_path / "text.jpg"
    text.write_text("not a picture")
    assert_refused(coarse(checkpoint, text), "text.jpg: is no image that can be read")
    assert_refused(coarse(checkpoint, tmp_path / "absent.jpg"), "absent.jpg: no such file")
    (tmp_path / "empty").mkdir()
    assert_refused(coarse(checkpoint, tmp_path / "empty"), "the folder holds no image")
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
    assert_refused(
        coarse(pickled, photo), "model.pth: holds weights and not the network they belong to"
    )
    assert_refused(coarse(tmp_path / "no.safetensors", photo), "no.safetensors: no such file")
    assert_refused(coarse("resnet51", photo), "did you mean resnet50")
    assert_refused(coarse("timm:resnet51", photo), "timm")


def test_a_place_that_is_taken_keeps_what_it_holds(checkpoint, photo, tmp_path):
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "thesis.txt").write_text("years of work")
    assert_refused(coarse(checkpoint, photo, "--out", taken), "exists and holds something other")
    assert [p.name for p in taken.iterdir()] == ["thesis.txt"]
    assert_refused(coarse(checkpoint, photo, "--out", taken / "thesis.txt"), "is a file")
    assert (taken / "thesis.txt").read_text() == "years of work"


def test_without_out_every_run_gets_a_folder_of_its_own(checkpoint, photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert coarse(checkpoint, photo.resolve()).exit_code == 0
    names = {path.name for path in Path("erf-runs").iterdir()}
    assert names == {"tiny-fc7", "tiny-fc7-2"}


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(3):
        pixels = np.random.default_rng(index).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{'cab'[index]}.png")
    return folder


def test_a_folder_of_images_is_probed_in_order_and_averaged(checkpoint, photos, tmp_path):
    out = tmp_path / "run"
    done = coarse(checkpoint, photos, "--layer", "conv3_3", "--out", out)
    assert done.exit_code == 0, done.output
    names = sorted(path.name for path in out.glob("*.zarr"))
    assert names == ["000-a.zarr", "001-b.zarr", "002-c.zarr"]
    indices = [erf.open(out / name).settings.image_index for name in names]
    assert indices == [0, 1, 2]
    assert np.array_equal(
        erf.open(out / names[0]).picture, np.asarray(Image.open(photos / "a.png"))
    )
    assert "3 fields, recentred on their units and averaged" in done.output


def test_a_bad_image_is_skipped_only_when_asked(checkpoint, photos, tmp_path):
    (photos / "b.png").write_text("no picture")
    assert_refused(coarse(checkpoint, photos, "--out", tmp_path / "a"), "b.png: is no image")
    out = tmp_path / "b"
    done = coarse(checkpoint, photos, "--layer", "conv3_3", "--skip-bad", "--out", out)
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in out.glob("*.zarr")) == ["000-a.zarr", "002-c.zarr"]
    (skipped,) = json.loads((out / "skipped.json").read_text())
    assert skipped["index"] == 1
    assert "b.png: is no image that can be read" in skipped["reason"]


def test_without_any_readable_image_there_is_no_run(checkpoint, photos, tmp_path):
    for path in photos.iterdir():
        path.write_text("no picture")
    done = coarse(checkpoint, photos, "--skip-bad", "--out", tmp_path / "run")
    assert done.exit_code == 2
    assert "none of 3 images can be read" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_mended_image_is_no_longer_noted_as_skipped(checkpoint, photos, tmp_path):
    out, whole = tmp_path / "run", (photos / "b.png").read_bytes()
    (photos / "b.png").write_text("no picture")
    for _ in range(2):
        assert coarse(checkpoint, photos, "--skip-bad", "--out", out).exit_code == 0
        assert (out / "skipped.json").exists()
    (photos / "b.png").write_bytes(whole)
    assert coarse(checkpoint, photos, "--skip-bad", "--out", out).exit_code == 0
    assert not (out / "skipped.json").exists()
    assert len(list(out.glob("*.zarr"))) == 3


def test_a_photo_that_was_replaced_is_refused(checkpoint, photos, tmp_path):
    question = ["--layer", "conv3_3", "--out", tmp_path / "run"]
    assert coarse(checkpoint, photos, *question).exit_code == 0
    Image.new("RGB", (64, 64)).save(photos / "b.png")
    done = coarse(checkpoint, photos, *question)
    assert_refused(done, f"{photos / 'b.png'}: is not the photo any more that was measured")


def test_photos_of_one_size_share_one_export(checkpoint, photos, tmp_path, monkeypatch):
    exported = []

    def count(model, shape):
        exported.append(tuple(shape[2:]))
        return export(model, shape)

    monkeypatch.setattr("erf.graph.cache.export", count)
    wide = np.random.default_rng(9).integers(0, 256, (64, 80, 3), dtype=np.uint8)
    Image.fromarray(wide).save(photos / "d.png")
    settings = ["--layer", "conv3_3", "--out", tmp_path / "run"]
    assert coarse(checkpoint, photos, *settings).exit_code == 0
    assert exported == [(64, 64), (64, 80)]


def test_a_run_of_an_older_version_is_refused_in_words(checkpoint, photo, tmp_path):
    out = tmp_path / "run"
    assert coarse(checkpoint, photo, "--layer", "conv3_3", "--out", out).exit_code == 0
    known = json.loads((out / "run.json").read_text())
    assert known["version"] == 3
    old = {name: known[name] for name in ("model", "weights_sha256", "layer", "unit", "images")}
    (out / "run.json").write_text(json.dumps(old | {"method": "noise", "settings": {"patch": 32}}))
    done = coarse(checkpoint, photo, "--layer", "conv3_3", "--out", out)
    assert_refused(done, "holds a run of version 1, and this software writes 3")
    assert_refused(done, "name a new folder")
    (out / "run.json").write_text(json.dumps(known)[:-20])
    done = coarse(checkpoint, photo, "--layer", "conv3_3", "--out", out)
    assert_refused(done, "something other than a run")


def test_the_same_run_goes_on_and_another_is_refused(checkpoint, photos, tmp_path):
    out = tmp_path / "run"
    question = ["--layer", "conv3_3", "--out", out]
    assert coarse(checkpoint, photos, *question).exit_code == 0
    kept = {path: path.stat().st_mtime_ns for path in out.glob("*.zarr")}
    expected = erf.open(out / "001-b.zarr").discrepancy
    shutil.rmtree(out / "001-b.zarr")
    assert coarse(checkpoint, photos, *question).exit_code == 0
    assert np.array_equal(erf.open(out / "001-b.zarr").discrepancy, expected)
    for name in ("000-a.zarr", "002-c.zarr"):
        assert (out / name).stat().st_mtime_ns == kept[out / name]
    assert_refused(
        coarse(checkpoint, photos, *question, "--seed", 1), "another run, which differs in settings"
    )


def test_an_interrupted_probe_goes_on_with_the_missing_patches(checkpoint, photo, tmp_path):
    question = ["--layer", "conv3_3", "--stimulus", "gated", "--engine", "dense"]

    def interrupt():
        raise KeyboardInterrupt

    with Gate(32, action=interrupt):
        stopped = coarse(checkpoint, photo, *question, "--out", tmp_path / "run")
    assert stopped.exit_code == 1
    assert f"--out {tmp_path / 'run'} goes on" in stopped.stderr
    with Gate() as gate:
        assert coarse(checkpoint, photo, *question, "--out", tmp_path / "run").exit_code == 0
        assert min(gate.asked) == 32
        assert coarse(checkpoint, photo, *question, "--out", tmp_path / "whole").exit_code == 0
        assert min(gate.asked) == 0
    one, other = (erf.open(tmp_path / name / "result.zarr") for name in ("run", "whole"))
    assert np.array_equal(one.samples, other.samples)
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "run.json",
        "zarr.json",
        "result.zarr",
        "result.png",
    }


def test_a_grid_of_units_makes_a_folder_of_results(checkpoint, photo, tmp_path):
    out = tmp_path / "run"
    done = coarse(checkpoint, photo, "--layer", "conv3_3", "--unit", "grid:2", "--out", out)
    assert done.exit_code == 0, done.output
    names = sorted(path.name for path in (out / "result").glob("*.zarr"))
    assert names == ["12,15.zarr", "12,5.zarr", "4,15.zarr", "4,5.zarr"]
    assert "4 fields, recentred" in done.output
    done = coarse(checkpoint, photo, "--layer", "conv5_3", "--unit", "grid:9")
    assert_refused(done, "N must be from 1 to 8")


def test_other_methods_answer_the_same_question(checkpoint, photo, tmp_path):
    for method, own in (("gradient", ["--projections", 3]), ("occlusion", [])):
        out = tmp_path / method
        options = ["--layer", "conv2_2", "--method", method, *own, "--out", out]
        done = run("probe", checkpoint, "--image", photo, *options)
        assert done.exit_code == 0, done.output
    occlusion = erf.open(tmp_path / "occlusion" / "result.zarr")
    sigma = load_checkpoint(checkpoint).input_space.sigma(25)
    assert occlusion.settings == erf.Occlusion(sigma=sigma)
    strongest = np.unravel_index(occlusion.activation.argmax(), occlusion.activation.shape)
    assert occlusion.unit == strongest
    gradient = erf.open(tmp_path / "gradient" / "result.zarr")
    assert gradient.settings == erf.Gradient(projections=3)
    assert gradient.discrepancy.shape == (64, 80)
    assert gradient.discrepancy[:4].sum() == 0 < gradient.discrepancy.sum()


def test_occlusion_of_a_channel_takes_its_top_images(checkpoint, photos, tmp_path):
    out = tmp_path / "run"
    settings = ["--layer", "conv4_3", "--channel", 3, "--method", "occlusion", "--top", 2]
    coarse_settings = ["--patch", 32, "--stride", 16, "--draws", 1, "--out", out]
    done = run("probe", checkpoint, "--image", photos, *settings, *coarse_settings)
    assert done.exit_code == 0, done.output
    model = load_checkpoint(checkpoint)
    blobs = {}
    model.model.conv4_3.register_forward_hook(lambda m, i, o: blobs.update(x=o))
    peaks = {}
    for path in photos.iterdir():
        model.model(model.input_tensor(np.asarray(Image.open(path)))[None])
        peaks[path.stem] = blobs["x"][0, 3].max().item()
    best = sorted(peaks, key=lambda name: -peaks[name])[:2]
    names = sorted(path.stem for path in out.glob("*.zarr"))
    assert names == [f"{index:03d}-{name}" for index, name in enumerate(best)]


def test_automatic_draws(checkpoint, photo, tmp_path):
    out = tmp_path / "run"
    settings = ["--patch", 32, "--stride", 16, "--layer", "conv5_3", "--draws", "auto"]
    assert run("probe", checkpoint, "--image", photo, *settings, "--out", out).exit_code == 0
    assert 4 <= erf.open(out / "result.zarr").draws <= 64


def test_layers_are_listed_with_shapes(checkpoint):
    done = run("layers", checkpoint, "--image-size", "64,80")
    assert done.exit_code == 0
    assert "tiny at 64x80" in done.output
    rows = {line.split()[0]: line.split()[1:] for line in done.output.splitlines() if line.strip()}
    assert rows["layer"] == ["kind", "channels", "rows", "x", "cols"]
    assert rows["conv5_3"] == ["ConvReLU", "32", "8", "x", "10"]
    assert rows["conv1_1"] == ["ConvReLU", "4", "64", "x", "80"]
    assert rows["fc7"] == ["ConvReLU", "64", "8", "x", "10"]


def test_the_first_run_ends_with_what_context_does(tmp_path, monkeypatch):
    monkeypatch.setattr("cli.probing.showcase.PATCH", 256)
    monkeypatch.setattr("cli.probing.showcase.DRAWS", 1)
    compare_shipped(tmp_path)
    without, with_context = (
        erf.measure(erf.open(tmp_path / "comparison" / f"{name}.zarr")) for name in ("none", "late")
    )
    assert without.theory_status == "exact"
    assert with_context.theory_status == "whole_image"
    assert with_context.area > without.area
    assert (tmp_path / "comparison.png").stat().st_size > 10_000
    assert "parsenet-none" in (tmp_path / "report.html").read_text()
