"""Weights that are no numbers, or not those written, are refused wherever they are read."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from parsenet import load_checkpoint, load_weights
from parsenet.errors import CheckpointError, WeightsError
from parsenet.shipment import shipped
from parsenet.tensors import checksum, lost_values


def rewritten(path: Path, change: object, **metadata: str) -> Path:
    """A copy of a shipped checkpoint with its tensors changed."""
    with safe_open(shipped("none"), "pt") as file:
        known = dict(file.metadata())
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(tensors)  # type: ignore[operator]
    save_file(tensors, path, metadata=known | metadata)
    return path


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_one_value_that_is_no_number_is_named(tmp_path: Path, value: float) -> None:
    def spoil(tensors: dict[str, torch.Tensor]) -> None:
        tensors["conv2_1.conv.weight"].view(-1)[7] = value

    path = rewritten(tmp_path / "bad.safetensors", spoil)
    count = load_checkpoint(shipped("none")).model.state_dict()["conv2_1.conv.weight"].numel()
    words = rf"bad\.safetensors: 'conv2_1\.conv\.weight' has 1 of {count} values"
    with pytest.raises(CheckpointError, match=words):
        load_checkpoint(path)
    with pytest.raises(WeightsError, match=words):
        load_weights(path)


def test_a_checkpoint_without_a_checksum_is_read(tmp_path: Path) -> None:
    path = rewritten(tmp_path / "old.safetensors", lambda _: None)
    assert load_checkpoint(path).variant == "parsenet"


def test_weights_that_are_not_those_written_are_refused(tmp_path: Path) -> None:
    with safe_open(shipped("none"), "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        known = checksum(file.metadata()["checkpoint"], tensors)

    def nudge(tensors: dict[str, torch.Tensor]) -> None:
        tensors["conv2_1.conv.weight"].view(-1)[7] += 1e-3

    whole = rewritten(tmp_path / "whole.safetensors", lambda _: None, crc32=known)
    assert load_checkpoint(whole).variant == "parsenet"
    with pytest.raises(CheckpointError, match="is damaged: its checksum differs"):
        load_checkpoint(rewritten(tmp_path / "bad.safetensors", nudge, crc32=known))


def test_whole_numbers_and_empty_tensors_are_no_reason() -> None:
    assert lost_values({"a": torch.tensor([1, 2]), "b": torch.empty(0)}) is None
