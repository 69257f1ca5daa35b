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
