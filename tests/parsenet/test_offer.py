"""What is offered by name: equal to what is loaded directly."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from parsenet import load_checkpoint, offer
from parsenet.errors import CheckpointError, WeightsError
from parsenet.pretrained.spaces import CAFFE, UNIT
from parsenet.shipment import shipped
from strategies import caffe


def test_names_and_files_of_ours(tmp_path: Path) -> None:
    found, direct = offer.load("late"), load_checkpoint(shipped("late"))
    assert found is not None
    assert (found.name, found.random, found.input_space) == (
        "parsenet-late", False, direct.input_space,
    )  # fmt: skip
    path = shutil.copy(shipped("none"), tmp_path / "mine.safetensors")
    mine = offer.load(str(path))
    assert mine is not None
    assert mine.name == "mine"
    fresh = offer.load("fcn32s")
    assert fresh is not None
    assert fresh.random
    assert not fresh.model.training


def test_what_is_not_ours(tmp_path: Path) -> None:
    save_file({"conv1.weight": torch.zeros(3, 3)}, tmp_path / "foreign.safetensors")
    assert offer.load(str(tmp_path / "foreign.safetensors")) is None
    assert offer.load("resnet50") is None
    assert offer.load(str(tmp_path)) is None
    (tmp_path / "bad.safetensors").write_text("<html>")
    with pytest.raises(CheckpointError, match="no readable safetensors"):
        offer.load(str(tmp_path / "bad.safetensors"))


def test_a_name_is_a_model_beside_a_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fcn32s").mkdir()
    found = offer.load("fcn32s")
    assert found is not None
    assert found.name == "fcn32s"


def test_a_folder_of_a_training(tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch()
    with pytest.raises(CheckpointError, match="has not ended"):
        offer.load(str(tmp_path))
    shutil.copy(shipped("none"), tmp_path / "parsenet-none.safetensors")
    found = offer.load(str(tmp_path))
    assert found is not None
    assert found.name == "parsenet-none"


def test_snapshots_of_a_training(tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch()
    for name, source in (("iteration-000000800", "none"), ("iteration-000001200", "early")):
        shutil.copy(shipped(source), tmp_path / f"{name}.safetensors")
    shutil.copy(shipped("late"), tmp_path / "best.safetensors")
    expected = {"": "early", "@last": "early", "@800": "none", "@1200": "early", "@best": "late"}
    for which, source in expected.items():
        found = offer.load(f"{tmp_path}{which}")
        assert found is not None
        truth = load_checkpoint(shipped(source)).model.state_dict()
        assert found.model.state_dict().keys() == truth.keys()
        assert all(torch.equal(found.model.state_dict()[name], truth[name]) for name in truth)
    assert found.name == f"{tmp_path.name}@best"
    with pytest.raises(CheckpointError, match="no snapshot '900'; there are 800, 1200, best"):
        offer.load(f"{tmp_path}@900")
    shutil.copy(shipped("none"), tmp_path / "parsenet-none.safetensors")
    assert offer.load(str(tmp_path)).name == "parsenet-none"
    assert offer.load(f"{tmp_path / 'no'}@best") is None


def test_a_network_around_weights_of_others(tmp_path: Path) -> None:
    blobs = caffe.random_blobs("fcn32s")
    path = caffe.write(tmp_path / "fcn.caffemodel", blobs)
    found = offer.begin("fcn32s", str(path))
    assert found is not None
    assert (found.name, found.random, found.input_space) == ("fcn32s-fcn", False, CAFFE)
    assert "32 tensors matched, 1 reshaped, 0 left as built, 0 unused" in found.notes[0]
    picture = torch.randint(0, 256, (64, 64, 3), generator=torch.Generator().manual_seed(1))
    expected = caffe.fcn(caffe.caffes_input(picture.numpy()), caffe.tensors(blobs), "fcn32s")
    with torch.no_grad():
        scores = found.model.double()(CAFFE.tensor(picture.numpy())[None].double())
    torch.testing.assert_close(scores, expected, rtol=1e-5, atol=1e-4)
    other = offer.begin("fcn32s", str(path), "unit")
    assert other is not None
    assert other.input_space == UNIT


def test_layers_that_weights_lack_are_random_and_named(tmp_path: Path) -> None:
    blobs = caffe.random_blobs("fcn32s")
    lacking = {name: each for name, each in blobs.items() if name not in ("fc6", "score_fr")}
    path = caffe.write(tmp_path / "some.caffemodel", lacking)
    first, again = (offer.begin("fcn32s", str(path)) for _ in range(2))
    assert first is not None
    assert again is not None
    assert first.random is None
    assert "left as built: fc6.conv, " in first.notes[0]
    assert first.notes[1].startswith("fc6: random")
    assert first.notes[2].startswith("score_fr: as built")
    assert torch.equal(first.model.fc6.conv.weight, again.model.fc6.conv.weight)
    with pytest.raises(WeightsError, match=r"no input 'bgr' of weights"):
        offer.begin("fcn32s", str(path), "bgr")
    assert offer.begin("resnet50", str(path)) is None
