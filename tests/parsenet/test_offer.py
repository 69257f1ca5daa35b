"""What is offered by name: equal to what is loaded directly."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from parsenet import load_checkpoint, offer
from parsenet.errors import CheckpointError
from parsenet.shipment import shipped


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
