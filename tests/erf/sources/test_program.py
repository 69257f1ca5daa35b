"""Exported programs: what they compute, and that loading them runs no code of theirs."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.export import Dim

import erf


def saved(path: Path, *, any_batch: bool) -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 5, padding=2), nn.ReLU(), nn.Conv2d(8, 4, 3)).eval()
    shapes = ({0: Dim.DYNAMIC},) if any_batch else None
    image = torch.randn(2 if any_batch else 1, 3, 32, 32)
    torch.export.save(torch.export.export(model, (image,), dynamic_shapes=shapes), path)
    return model


@pytest.mark.parametrize("any_batch", [True, False])
def test_a_program_is_probed_as_its_model(tmp_path: Path, any_batch: bool) -> None:
    model = saved(tmp_path / "net.pt2", any_batch=any_batch)
    loaded = erf.load_model(str(tmp_path / "net.pt2"))
    assert loaded.size == (32, 32)
    assert bool(loaded.notes) != any_batch
    image = torch.randn(3, 32, 32)
    settings = erf.Noise(patch=8, draws=2)
    mine = erf.probe(loaded.model, image, "2", settings)
    theirs = erf.probe(model, image, "2", settings)
    assert mine.discrepancy == pytest.approx(theirs.discrepancy, rel=1e-4, abs=1e-6)
    assert mine.theory.size == theirs.theory.size == (7, 7)


def edited(source: Path, target: Path, change: Callable[[str, bytes], bytes]) -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return target


def put(key: str, value: Any) -> Callable[[str, bytes], bytes]:
    """Change every value of this key in the archive's JSON."""

    def change(name: str, content: bytes) -> bytes:
        if not name.endswith(".json"):
            return content

        def walk(item: Any) -> Any:
            if isinstance(item, dict):
                return {k: value if k == key else walk(v) for k, v in item.items()}
            return [walk(v) for v in item] if isinstance(item, list) else item

        return json.dumps(walk(json.loads(content))).encode()

    return change


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("expr_str", "__import__('os').mkdir('{trap}')"),
        ("expr_str", "Symbol.__class__"),
        ("use_pickle", True),
    ],
)
def test_what_would_run_code_is_refused(tmp_path: Path, key: str, value: Any) -> None:
    saved(tmp_path / "net.pt2", any_batch=True)
    trap = tmp_path / "ran"
    filled = json.loads(json.dumps(value).replace("{trap}", str(trap)))
    bad = edited(tmp_path / "net.pt2", tmp_path / "bad.pt2", put(key, filled))
    with pytest.raises(erf.SourceError, match="may run code"):
        erf.load_model(str(bad))
    assert not trap.exists()


def test_guards_are_not_run(tmp_path: Path) -> None:
    saved(tmp_path / "net.pt2", any_batch=True)
    trap = tmp_path / "ran"
    code = [f"__import__('os').mkdir({str(trap)!r})"]
    bad = edited(tmp_path / "net.pt2", tmp_path / "bad.pt2", put("guards_code", code))
    loaded = erf.load_model(str(bad))
    erf.probe(loaded.model, torch.randn(3, 32, 32), "2", patch=16, draws=1)
    assert not trap.exists()


def test_pickled_example_inputs_are_refused(tmp_path: Path) -> None:
    saved(tmp_path / "net.pt2", any_batch=True)
    trap = tmp_path / "ran"

    class Trap:
        def __reduce__(self) -> Any:
            return Path.mkdir, (trap,)

    bad = edited(
        tmp_path / "net.pt2",
        tmp_path / "bad.pt2",
        lambda name, content: pickle.dumps(Trap()) if "/sample_inputs/" in name else content,
    )
    with pytest.raises(erf.SourceError):
        erf.load_model(str(bad))
    assert not trap.exists()
