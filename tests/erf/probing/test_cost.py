"""What a probe needs is known before it begins, and holds."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

import erf
from erf.geometry import PatchGrid, Target
from erf.memory import parse_memory
from erf.probing import cost
from erf.probing.cost import cost_of

GRID = PatchGrid((40, 40), 4, 4)


def test_a_layer_needs_its_sums_and_a_unit_its_draws() -> None:
    layer = cost_of([Target("a")], [(7, 9)], GRID, 3, journal=True)
    assert (layer.memory, layer.disk) == (100 * 63 * 8 * 6, 100 * 63 * 8 * 2)
    unit = cost_of([Target("a", (0, 0))], [(7, 9)], GRID, 3, journal=True)
    assert (unit.memory, unit.disk) == (100 * 3 * 8 * 6, 100 * 3 * 8)
    assert cost_of([Target("a")], [(7, 9)], GRID, 3, journal=False).disk == 0


def test_what_cannot_fit_is_refused_with_both_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "free_memory", lambda: 2**20)
    model = nn.Conv2d(3, 2, 3, padding=1)
    subject = erf.Subject(model, torch.randn(3, 32, 32))
    with pytest.raises(
        erf.SettingError,
        match=r"of 1,024 units on 64 patches: needs 3.0 MiB of memory, and 1.0 MiB are free",
    ):
        subject.probe("", erf.Noise(patch=4, draws=1), unit="all")
    assert subject.probe("", erf.Noise(patch=4, draws=1)).draws == 1


def test_a_disk_that_is_too_small_is_refused_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Usage:
        free = 1000

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage)
    subject = erf.Subject(nn.Conv2d(3, 2, 3, padding=1), torch.randn(3, 32, 32))
    with pytest.raises(
        erf.SettingError, match=r"its journal needs 1.0 MiB of disk, and 1000 bytes"
    ):
        subject.probe(
            "", erf.Noise(patch=4, draws=1), unit="all", journal=tmp_path / "a" / "journal"
        )
    assert list(tmp_path.iterdir()) == []


def test_much_is_announced(capsys: pytest.CaptureFixture[str]) -> None:
    small, large = (
        cost_of([Target("a")], [(side, side)], GRID, 1, journal=True) for side in (4, 800)
    )
    small.announce()
    assert capsys.readouterr().err == ""
    large.announce()
    assert capsys.readouterr().err == (
        "a of 640,000 units on 100 patches: needs 2.9 GiB of memory and 976.6 MiB of disk for its "
        "journal\n"
    )


def test_the_need_that_is_told_is_the_need_that_is_measured() -> None:
    subject = erf.Subject(nn.Conv2d(3, 1, 3, padding=1), torch.randn(3, 96, 96))
    settings = erf.Noise(patch=8, draws=2, batch_size=1, engine="dense")
    subject.probe("", settings, unit=(0, 0))
    tracemalloc.start()
    subject.probe("", settings, unit="all")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    grid = PatchGrid((96, 96), 8, 8)
    assert 0.6 < peak / cost_of([Target("")], [(96, 96)], grid, 2, journal=False).memory < 1.1


def test_a_result_beyond_the_budget_is_refused_with_both_numbers() -> None:
    subject = erf.Subject(nn.Conv2d(3, 2, 3, padding=1), torch.randn(3, 32, 32))
    settings = erf.Noise(patch=4, draws=1, memory="2 MiB")
    with pytest.raises(
        erf.SettingError,
        match=r"on 64 patches: needs 3.0 MiB of memory for the result, and --memory allows 2.0 MiB",
    ):
        subject.probe("", settings, unit="all")
    assert subject.probe("", settings).draws == 1


@pytest.mark.parametrize(("memory", "images"), [("2 MiB", 3), ("8 MiB", 12), ("1 GiB", 64)])
def test_the_dense_engine_runs_as_many_images_as_the_budget_allows(
    memory: str, images: int
) -> None:
    """An image's maps: two of 4x64x128 numbers of single precision, 0.25 MiB, and four images."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
    passes: list[int] = []
    model.register_forward_pre_hook(lambda _, inputs: passes.append(len(inputs[0])))
    subject = erf.Subject(model, torch.randn(3, 64, 128), graph=False)
    subject.preflight()
    settings = erf.Noise(patch=16, draws=2, engine="dense", memory=memory)
    passes.clear()
    subject.probe("1", settings)
    maps = 4 * 64 * 128 * (4 + 4 + 4 * 3)
    needed = cost_of(
        [Target("1", (0, 0))], [(64, 128)], PatchGrid((64, 128), 16, 16), 2, journal=False
    ).memory
    fitting = (parse_memory(memory) - needed) // maps
    assert max(passes) == min(64, fitting) == images


def test_a_disturbance_that_does_not_fit_is_refused_or_left_to_dense() -> None:
    model = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), nn.Conv2d(64, 64, 9, padding=4))
    subject = erf.Subject(model, torch.randn(3, 48, 48))
    settings = erf.Noise(patch=24, draws=1, engine="delta", memory="1 MiB")
    words = r"one disturbance needs .* MiB in the delta engine, and --memory leaves"
    with pytest.raises(erf.SettingError, match=words):
        subject.probe("1", settings, unit="all")
    result = subject.probe("1", replace(settings, engine="auto"), unit="all")
    assert result.engine.name == "dense"
    assert "dense runs instead" in result.engine.notes[-1]
    roomy = replace(settings, memory="64 MiB")
    assert subject.probe("1", roomy, unit="all").engine.name == "delta"
