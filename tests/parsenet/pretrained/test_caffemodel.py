"""Caffe's binary files, written by another encoder and held against Caffe's layers by hand."""

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import erf
from cli import main
from parsenet import (
    WeightsError,
    build,
    convert,
    load_checkpoint,
    load_weights,
    save_checkpoint,
    transplant,
)
from parsenet.datasets import voc2012
from parsenet.pretrained import CAFFE
from parsenet.pretrained.caffemodel import read_caffemodel
from strategies import caffe

PICTURE = np.random.default_rng(1).integers(0, 256, (70, 90, 3), dtype=np.uint8)
FORMS = {
    "v2": {},
    "v1 legacy": {"version": 1, "legacy": True},
    "unpacked": {"packed": False},
    "v1 unpacked": {"version": 1, "legacy": True, "packed": False},
    "double": {"kind": "double"},
    "double unpacked": {"kind": "double", "packed": False},
    "raw": {"kind": "raw"},
}


@torch.no_grad()
def scores_of(path: Path, variant: str, picture: np.ndarray = PICTURE) -> torch.Tensor:
    converted = convert(path, variant).checkpoint
    return converted.model.double()(converted.input_tensor(picture)[None].double())


@pytest.mark.parametrize("form", FORMS)
def test_the_released_parsenet_gives_the_scores_of_its_layers(tmp_path: Path, form: str) -> None:
    blobs = caffe.random_blobs("parsenet")
    path = caffe.write(tmp_path / "VGG_VOC2012ext.caffemodel", blobs, **FORMS[form])
    expected = caffe.parsenet(caffe.caffes_input(PICTURE), caffe.tensors(blobs))
    assert expected.std() > 0.1
    torch.testing.assert_close(scores_of(path, "parsenet"), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["fcn32s", "fcn16s", "fcn8s"])
def test_fcns_give_the_scores_of_their_layers(tmp_path: Path, kind: str) -> None:
    blobs = caffe.random_blobs(kind)
    path = caffe.write(tmp_path / "fcn.caffemodel", blobs)
    expected = caffe.fcn(caffe.caffes_input(PICTURE), caffe.tensors(blobs), kind)
    torch.testing.assert_close(scores_of(path, kind), expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("form", ["v2", "v1 legacy"])
def test_vgg16_gives_the_scores_of_its_fully_connected_layers(tmp_path: Path, form: str) -> None:
    blobs = caffe.random_blobs("vgg", classes=7)
    path = caffe.write(tmp_path / "vgg.caffemodel", blobs, **FORMS[form])
    picture = np.random.default_rng(2).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    expected = caffe.vgg16(caffe.caffes_input(picture), caffe.tensors(blobs))
    found = scores_of(path, "vgg16", picture)
    assert found.shape == (1, 7, 1, 1)
    torch.testing.assert_close(found.flatten(1), expected, rtol=1e-5, atol=1e-5)


def test_halves_are_read_as_they_are(tmp_path: Path) -> None:
    blobs = caffe.random_blobs("reduced")
    tensors = read_caffemodel(caffe.write(tmp_path / "half.caffemodel", blobs, kind="half"))
    assert len(tensors) == 30
    for name, (weight, bias) in blobs.items():
        for part, array in (("weight", weight), ("bias", bias)):
            rounded = array.astype(np.float16).astype(np.float32)
            assert np.array_equal(tensors[f"{name}.{part}"].numpy(), rounded), name


def test_init_takes_it_and_turns_its_channels(tmp_path: Path) -> None:
    blobs = caffe.random_blobs("reduced")
    path = caffe.write(tmp_path / "VGG_fc_reduced.caffemodel", blobs, version=1, legacy=True)
    model = build("parsenet", width=1 / 32)
    report = transplant(model, load_weights(path))
    assert (len(report.matched), list(report.reshaped)) == (29, ["conv1_1.conv.weight"])
    turned = blobs["conv1_1"][0][:, ::-1].copy()
    assert np.array_equal(model.conv1_1.conv.weight.detach().numpy(), turned)
    assert report.input_space.mean == CAFFE.mean[::-1]
    assert "input: caffe: BGR grey levels" in report.report()


def test_the_command_converts_and_the_file_is_probed_and_scored(tmp_path: Path) -> None:
    blobs = caffe.random_blobs("parsenet")
    path = caffe.write(tmp_path / "VGG_VOC2012ext.caffemodel", blobs)
    out = tmp_path / "x.safetensors"
    words = ["convert", str(path), "--variant", "parsenet", "--out", str(out)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert "38 tensors matched, 0 reshaped, 0 left as built, 0 unused" in done.output
    assert "note:" not in done.output
    found = load_checkpoint(out)
    assert found.classes == voc2012.CLASSES
    assert found.input_space == CAFFE
    assert found.training["sha1"] == hashlib.sha1(path.read_bytes()).hexdigest()
    probing = ["--image-size", "64", "--patch", "32", "--draws", "1", "--out", str(tmp_path / "p")]
    done = CliRunner().invoke(main, ["probe", str(out), "--layer", "conv3_3", *probing])
    assert done.exit_code == 0, done.output
    again = CliRunner().invoke(main, words)
    assert again.exit_code == 2
    assert f"{out}: exists already" in again.output


def test_commands_take_it_as_init(tmp_path: Path) -> None:
    path = caffe.write(tmp_path / "fcn.caffemodel", caffe.random_blobs("fcn32s"))
    init = ["fcn32s", "--init", str(path)]
    out = tmp_path / "p"
    probing = ["--layer", "fc7", "--image-size", "64", "--patch", "32", "--draws", "1"]
    done = CliRunner().invoke(main, ["probe", *init, *probing, "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "32 tensors matched, 1 reshaped, 0 left as built, 0 unused" in done.output
    assert "  input: caffe: BGR grey levels" in done.output
    (result,) = (erf.open(place) for place in out.glob("*.zarr"))
    converted = tmp_path / "c.safetensors"
    save_checkpoint(convert(path, "fcn32s").checkpoint, converted)
    assert result.origin["model"]["weights_sha256"] == erf.load_model(str(converted)).weights_sha256
    several = ["--layer", "conv1_2", *probing, "--out", str(tmp_path / "s")]
    done = CliRunner().invoke(main, ["probe", *init, *several])
    assert done.exit_code == 0, done.output
    listed = CliRunner().invoke(main, ["layers", *init, "--image-size", "64"])
    assert "fcn32s-fcn at 64x64" in listed.output
    told = CliRunner().invoke(main, ["theory", *init, "--init-input", "unit", "--layer", "fc7"])
    assert "404 x 404" in told.output
    assert "input: unit: RGB from 0 to 1 (stated)" in told.output


def test_scores_that_a_file_lacks_are_named(tmp_path: Path) -> None:
    path = caffe.write(tmp_path / "reduced.caffemodel", caffe.random_blobs("reduced"))
    out = tmp_path / "x.safetensors"
    words = ["convert", str(path), "--variant", "parsenet", "--out", str(out)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert "note: fc7_norm_score, pool6_1x1_norm_score, upscore: as built, not tr" in done.output
    assert load_checkpoint(out).training["left_as_built"]


def test_a_deconvolution_that_mixes_channels_is_left_out(tmp_path: Path) -> None:
    blobs = caffe.random_blobs("fcn32s")
    blobs["upscore"][0][0, 1] = 0.1
    path = caffe.write(tmp_path / "fcn.caffemodel", blobs)
    assert "upscore.weight" in convert(path, "fcn32s").transplant.unused


@pytest.mark.parametrize("classes", [59, 60, 33, 5])
def test_pascal_context_and_others_bring_their_classes(tmp_path: Path, classes: int) -> None:
    blobs = caffe.random_blobs("fcn32s", classes=classes)
    blobs[f"score{classes}"] = blobs.pop("score_fr")
    checkpoint = convert(caffe.write(tmp_path / "c.caffemodel", blobs), "fcn32s").checkpoint
    assert len(checkpoint.classes) == classes
    weight = checkpoint.model.score_fr.weight.detach().numpy()
    assert np.array_equal(weight, blobs[f"score{classes}"][0])
    assert (checkpoint.classes[0] == "class 0") == (classes == 5)


@pytest.mark.parametrize("version", [1, 2])
def test_shortened_files_are_one_line(tmp_path: Path, version: int) -> None:
    path = caffe.write(tmp_path / "c.caffemodel", caffe.random_blobs("parsenet"), version=version)
    whole = path.read_bytes()
    for length in (*range(1, 200, 13), *range(200, len(whole), len(whole) // 40)):
        path.write_bytes(whole[:length])
        with pytest.raises(WeightsError, match=r"c\.caffemodel: ") as error:
            convert(path, "parsenet")
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<!DOCTYPE html><html>login</html>",
        b"\x0a\x0fVGG_ILSVRC_16_l" + bytes(64),
        b"\x08\x01",
    ],
)
def test_files_of_another_kind_are_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.caffemodel").write_bytes(content)
    with pytest.raises(WeightsError, match=r"x.caffemodel: is no (readable )?caffemodel") as error:
        load_weights(tmp_path / "x.caffemodel")
    assert "\n" not in str(error.value)


def test_numbers_that_are_not_those_of_the_shape_are_named(tmp_path: Path) -> None:
    blobs = caffe.random_blobs("reduced")
    net = caffe.net_class()()
    blob = net.layer.add(name="conv1_1").blobs.add()
    blob.shape.dim.extend([2, 3, 3, 3])
    blob.data.extend([0.5] * 53)
    (tmp_path / "c.caffemodel").write_bytes(net.SerializeToString())
    with pytest.raises(WeightsError, match=r"conv1_1.weight has 53 numbers for the shape \(2, 3"):
        load_weights(tmp_path / "c.caffemodel")
    blob.ClearField("data")
    blob.raw_data_type, blob.raw_data = 2, bytes(107)
    (tmp_path / "c.caffemodel").write_bytes(net.SerializeToString())
    with pytest.raises(WeightsError, match=r"conv1_1.weight ends in the middle of a number"):
        load_weights(tmp_path / "c.caffemodel")
    blobs["conv5_3"][0] = blobs["conv5_3"][0][:, :15]
    path = caffe.write(tmp_path / "c.caffemodel", blobs)
    with pytest.raises(WeightsError, match=r"conv5_3.weight is \(16, 15, 3, 3\) among the weig"):
        convert(path, "parsenet")
    del blobs["conv4_2"]
    path = caffe.write(tmp_path / "c.caffemodel", blobs)
    with pytest.raises(WeightsError, match=r"conv4_2.weight is not among the weights: no part of"):
        convert(path, "parsenet")


def test_without_protobuf_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.caffemodel").touch()
    monkeypatch.setitem(sys.modules, "google.protobuf.message", None)
    with pytest.raises(WeightsError, match="needs protobuf to be read: pip install protobuf"):
        load_weights(tmp_path / "x.caffemodel")
