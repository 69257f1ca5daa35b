"""Disks that are full, read-only, or lose power: nothing half, nothing wrong, nothing lost."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

import erf
import figures
from erf.atomic import write_text
from erf.geometry import PatchGrid
from erf.probing.journal import Journal
from erf.probing.tally import LayerTally
from erf.study import RunFolder
from erf.study.folder import RUN
from strategies.disks import FULL, PowerCut, build, failing, full_after, read_only, tree

REQUEST = {"layer": "a" * 300}
GRID = PatchGrid((24, 24), 8, 8)


@pytest.fixture(scope="module")
def result() -> erf.UnitResult:
    subject = erf.Subject(nn.Conv2d(3, 2, 3), torch.randn(3, 12, 12), graph=False)
    found = subject.probe("", erf.Noise(patch=6, draws=2), unit=(2, 2))
    assert isinstance(found, erf.UnitResult)
    return found


def tally() -> LayerTally:
    values = LayerTally(GRID.shape, (2, 1))
    random = np.random.default_rng(0).random((9, 2, 1))
    values.add(np.arange(9), np.zeros(9, np.int64), random)
    return values


def keep_blocks(folder: Path) -> None:
    record = Journal(folder / "journal", GRID, REQUEST)
    for block in range(len(record.blocks)):
        record.keep(block, range(1), [tally()])


def hold(folder: Path) -> None:
    with RunFolder(folder / "deep" / "run", REQUEST).held():
        (folder / "deep" / "run" / "found").touch()


def draw(folder: Path, suffix: str) -> None:
    figure = Figure(figsize=(2, 2))
    figure.subplots().plot([1, 2])
    figures.save(figure, folder / f"figure{suffix}")


WRITERS: dict[str, Callable[[Path], object]] = {
    "run.json": hold,
    "a journal": keep_blocks,
    "a figure": lambda folder: draw(folder, ".png"),
    "a figure of lines": lambda folder: draw(folder, ".svg"),
    "a page": lambda folder: write_text(folder / "new" / "page.html", "<p>" * 300),
    "a page anew": lambda folder: write_text(folder / "old.html", "<p>" * 300, replace=True),
}


@pytest.mark.parametrize("how", FULL)
@pytest.mark.parametrize("what", [*WRITERS, "a result"])
def test_a_full_disk_leaves_nothing_half_and_takes_no_name(
    what: str, how: str, tmp_path: Path, result: erf.UnitResult
) -> None:
    write = WRITERS.get(what, lambda folder: erf.save(result, folder / "deep" / "run.zarr"))
    full, roomy = tmp_path / "full", tmp_path / "roomy"
    for disk in (full, roomy):
        disk.mkdir()
        (disk / "old.html").write_text("what was there")
    write(roomy)
    before, after = tree(full), tree(roomy)
    with FULL[how](), pytest.raises(erf.StoreError, match=r"cannot be (written|made): ") as told:
        write(full)
    assert "\n" not in str(told.value)
    for name, content in tree(full).items():
        assert content in (before.get(name, after[name]), after[name])
    if how.startswith("no byte"):
        assert {name for name in tree(full) if name != "journal"} == before.keys()
    write(full)
    assert tree(full) == after


def test_a_place_that_cannot_be_written_to(result: erf.UnitResult) -> None:
    for write in (*WRITERS.values(), lambda folder: erf.save(result, folder / "run.zarr")):
        with read_only() as folder:
            with pytest.raises((erf.StoreError, OSError), match=r"Permission denied") as told:
                write(folder)
            assert str(folder) in str(told.value)
            assert not list(folder.iterdir())


def test_a_disk_that_fills_up_midway_costs_only_what_did_not_fit(tmp_path: Path) -> None:
    keep_blocks(tmp_path)
    place = tmp_path / "journal" / "draws-0-1" / "01.npz"
    whole = place.read_bytes()
    place.unlink()
    with full_after(len(whole) - 1), pytest.raises(erf.StoreError, match="File too large"):
        keep_blocks(tmp_path)
    assert [each.name for each in place.parent.iterdir()] == ["00.npz", "02.npz"] or not (
        place.exists()
    )
    keep_blocks(tmp_path)
    assert place.read_bytes() == whole


def test_a_power_cut_leaves_a_whole_result_or_none(tmp_path: Path, result: erf.UnitResult) -> None:
    disk = PowerCut(tmp_path / "disk")
    disk.root.mkdir()
    with disk.watched():
        erf.save(result, disk.root / "deep" / "run.zarr")
    assert all("deep/run.zarr/zarr.json" in world for world in disk.now())
    met = [world for world in disk.worlds if "deep/run.zarr" in world]
    assert len(disk.worlds) > 40
    assert met
    for index, world in enumerate(met):
        opened = erf.open(build(world, tmp_path / str(index)) / "deep" / "run.zarr")
        for name in ("discrepancy", "samples", "image", "activation"):
            assert np.array_equal(getattr(opened, name), getattr(result, name))
        assert opened.settings == result.settings


def test_a_power_cut_leaves_a_journal_that_goes_on_with_right_numbers(tmp_path: Path) -> None:
    disk = PowerCut(tmp_path / "disk")
    disk.root.mkdir()
    with disk.watched():
        keep_blocks(disk.root)
    restored = []
    for index, world in enumerate(disk.worlds):
        record = Journal(build(world, tmp_path / str(index)) / "journal", GRID, REQUEST)
        found, wanted = LayerTally(GRID.shape, (2, 1)), tally()
        known = [
            block for block in range(len(record.blocks)) if record.restore(block, range(1), [found])
        ]
        for block in known:
            patches = record.blocks[block]
            for name, values in wanted.cut(patches, range(1)).items():
                assert np.array_equal(found.cut(patches, range(1))[name], values)
        restored.append(len(known))
    assert max(restored) == len(record.blocks) == 3
    assert set(restored) == {0, 1, 2, 3}


def test_a_power_cut_leaves_a_note_of_the_run_or_none(tmp_path: Path) -> None:
    disk = PowerCut(tmp_path / "disk")
    disk.root.mkdir()
    with disk.watched():
        hold(disk.root)
    assert any("deep/run/run.json" in world for world in disk.worlds)
    for index, world in enumerate(disk.worlds):
        run = RunFolder(build(world, tmp_path / str(index)) / "deep" / "run", REQUEST)
        with run.held():
            pass
        assert (run.path / RUN).read_bytes() == world.get("deep/run/run.json") or (
            "deep/run/run.json" not in world
        )


def test_a_power_cut_leaves_the_old_page_or_the_new_one(tmp_path: Path) -> None:
    disk = PowerCut(tmp_path / "disk")
    disk.root.mkdir()
    write_text(disk.root / "page.html", "old")
    with disk.watched():
        write_text(disk.root / "page.html", "new", replace=True)
    assert {world["page.html"] for world in disk.worlds} == {b"old", b"new"}
    assert {world["page.html"] for world in disk.now()} == {b"new"}


def test_the_cut_itself_loses_what_was_not_synced(tmp_path: Path) -> None:
    """Without a flush the double does drop bytes: it would find a writer that forgets one."""
    disk = PowerCut(tmp_path)
    with disk.watched():
        (tmp_path / "a").write_bytes(b"12")
        (tmp_path / "a").rename(tmp_path / "b")
    assert {} in disk.worlds
    assert [world["b"] for world in disk.now()[1:]] == [b"", b"\0\0"]


def test_an_error_of_the_disk_names_the_place(tmp_path: Path) -> None:
    with failing("fsync", errno.ENOSPC), pytest.raises(erf.StoreError) as told:
        write_text(tmp_path / "page.html", "new")
    assert (
        str(told.value) == f"{tmp_path / 'page.html'}: cannot be written: No space left on device"
    )
