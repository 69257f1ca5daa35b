"""Weights in files: every wrapping that people have, and what must never run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import erf
from erf.sources.state import fit_state, read_state


def model() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 3))


WRAPPED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "plain": lambda s: s,
    "state_dict": lambda s: {"epoch": 3, "state_dict": s},
    "model": lambda s: {"model": s, "optimizer": {"lr": 0.1}},
    "params_ema": lambda s: {"params_ema": s},
    "lightning": lambda s: {"state_dict": {f"model.{k}": v for k, v in s.items()}, "step": 1},
    "parallel": lambda s: {f"module.{k}": v for k, v in s.items()},
    "compiled": lambda s: {f"_orig_mod.{k}": v for k, v in s.items()},
    "backbone": lambda s: {f"backbone.{k}": v for k, v in s.items()},
    "two prefixes": lambda s: {f"module.backbone.{k}": v for k, v in s.items()},
    "three": lambda s: {
        "model": {"state_dict": {f"module._orig_mod.{k}": v for k, v in s.items()}}
    },
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=list(WRAPPED))
def test_every_wrapping_gives_the_same_model(wrap: Callable[[Any], Any], tmp_path: Path) -> None:
    trained, fresh = (
        model(),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 3)),
    )
    torch.save(wrap(trained.state_dict()), tmp_path / "w.pth")
    state, _ = read_state(tmp_path / "w.pth")
    fit_state(fresh, state, tmp_path / "w.pth")
    for name, tensor in trained.state_dict().items():
        assert torch.equal(fresh.state_dict()[name], tensor), name


def test_prefixes_that_are_taken_off_are_said(tmp_path: Path) -> None:
    state = {f"module.{name}": tensor for name, tensor in model().state_dict().items()}
    assert fit_state(model(), state, Path("w.pth")) == ["w.pth: prefix 'module' taken off"]


def test_a_name_that_is_a_prefix_by_right_stays() -> None:
    net = nn.ModuleDict({"model": nn.Conv2d(1, 1, 1)})
    assert fit_state(net, net.state_dict(), Path("w.pth")) == []


def test_missing_and_unexpected_names_are_counted() -> None:
    state = dict(model().state_dict())
    state["head.weight"] = state.pop("2.weight")
    with pytest.raises(
        erf.SourceError,
        match=r"1 missing: 2.weight; 1 unexpected: head.weight; --partial takes what fits",
    ):
        fit_state(model(), state, Path("w.pth"))
    notes = fit_state(model(), state, Path("w.pth"), partial=True)
    assert notes == [
        "w.pth: 8 of 9 tensors filled in; 1 missing: 2.weight; 1 unexpected: head.weight"
    ]


def test_only_counters_missing_is_no_reason() -> None:
    state = {k: v for k, v in model().state_dict().items() if "num_batches" not in k}
    assert fit_state(model(), state, Path("w.pth")) == []


def test_another_network_is_refused_even_in_part() -> None:
    with pytest.raises(erf.SourceError, match="none of its 1 names is the model's"):
        fit_state(model(), {"a": torch.zeros(1)}, Path("w.pth"), partial=True)


def test_other_shapes_are_refused_and_nothing_is_changed() -> None:
    net, state = model(), dict(model().state_dict())
    before = {k: v.clone() for k, v in net.state_dict().items()}
    state = {k: v + 1 for k, v in state.items()} | {"2.weight": torch.zeros(2, 3, 3, 3)}
    with pytest.raises(erf.SourceError, match=r"2.weight is \(2, 3, 3, 3\), the model has"):
        fit_state(net, state, Path("w.pth"))
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())


class Malicious:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_malicious_file_runs_nothing(tmp_path: Path, legacy: bool) -> None:
    trap = tmp_path / "ran"
    torch.save(
        {"state_dict": Malicious(trap)},
        tmp_path / "w.pth",
        _use_new_zipfile_serialization=not legacy,
    )
    with pytest.raises(erf.SourceError, match="save its state_dict"):
        erf.load_model("resnet18", weights=tmp_path / "w.pth")
    assert not trap.exists()


def test_a_pickled_module_is_refused(tmp_path: Path) -> None:
    torch.save(model(), tmp_path / "w.pt")
    with pytest.raises(erf.SourceError, match=r"pickled module.*save its state_dict"):
        read_state(tmp_path / "w.pt")
    with pytest.raises(erf.SourceError, match="pickled module"):
        erf.load_model(str(tmp_path / "w.pt"))


@pytest.mark.parametrize(
    ("content", "suffix", "words"),
    [
        (b"", "pth", "is no readable file of weights|pickled"),
        (b"<!DOCTYPE html><html>login</html>", "pth", "no readable|pickled"),
        (b"version https://git-lfs.github.com/spec/v1\n", "safetensors", "no readable safetensors"),
        (b"", "safetensors", "no readable safetensors"),
        ((10 * 2**30).to_bytes(8, "little") + b"{}", "safetensors", "no readable safetensors"),
    ],
)
def test_damaged_files(tmp_path: Path, content: bytes, suffix: str, words: str) -> None:
    path = tmp_path / f"w.{suffix}"
    path.write_bytes(content)
    with pytest.raises(erf.SourceError, match=words) as caught:
        read_state(path)
    assert "\n" not in str(caught.value)


def test_a_claim_of_ten_gigabytes_allocates_nothing(tmp_path: Path) -> None:
    header = b'{"a":{"dtype":"F32","shape":[2684354560],"data_offsets":[0,10737418240]}}'
    path = tmp_path / "w.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(erf.SourceError, match="no readable safetensors"):
        read_state(path)


def test_what_holds_no_tensors(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "lr": 0.1}, tmp_path / "w.pth")
    with pytest.raises(erf.SourceError, match="holds no named tensors, but epoch, lr"):
        read_state(tmp_path / "w.pth")
    torch.save([torch.zeros(2)], tmp_path / "l.pth")
    with pytest.raises(erf.SourceError, match="holds a list, not named tensors"):
        read_state(tmp_path / "l.pth")


def test_weights_alone_are_no_model(tmp_path: Path) -> None:
    save_file(model().state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(erf.SourceError, match="name it too, as resnet50 --weights"):
        erf.load_model(str(tmp_path / "w.safetensors"))


def test_weights_in_a_file_make_a_model_trained(tmp_path: Path) -> None:
    state = {
        k: torch.zeros_like(v) for k, v in erf.load_model("resnet18").model.state_dict().items()
    }
    save_file(state, tmp_path / "w.safetensors")
    loaded = erf.load_model("resnet18", weights=tmp_path / "w.safetensors")
    assert not loaded.random
    assert not any(p.any() for p in loaded.model.parameters())
