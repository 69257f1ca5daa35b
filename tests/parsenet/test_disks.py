"""Disks that are full or lose power, under what a training and a prediction write."""

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from parsenet import Checkpoint, build, load_checkpoint, save_checkpoint
from parsenet.errors import ParseNetError, TrainingError
from parsenet.palette import write_labels
from parsenet.training import usual_experiment
from parsenet.training.configuration import CONFIG, read_config, write_config
from parsenet.training.journal import JOURNAL, TrainingJournal, read_journal
from parsenet.training.snapshot import latest_snapshot, save_snapshot
from strategies.disks import FULL, PowerCut, full_after, tree
from strategies.disks import build as make_real
from strategies.snapshots import snapshot

OPTIONS = {"width": 1 / 64}


def checkpoint(level: float) -> Checkpoint:
    model = build("fcn32s", classes=2, **OPTIONS).eval()
    torch.nn.init.constant_(next(model.parameters()), level)
    return Checkpoint("fcn32s", OPTIONS, ("a", "b"), (1, 2, 3), (1, 1, 1), model=model)


FIRST, SECOND = checkpoint(1.0), checkpoint(2.0)
WRITERS: dict[str, Callable[[Path], object]] = {
    "a checkpoint": lambda folder: save_checkpoint(SECOND, folder / "net.safetensors"),
    "a snapshot": lambda folder: save_snapshot(snapshot(2), folder, keep=1),
    "a configuration": lambda folder: write_config(usual_experiment(), folder / "new"),
    "labels": lambda folder: write_labels(np.eye(60, dtype=np.uint8), folder / "new" / "0.png"),
}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("before")
    save_checkpoint(FIRST, folder / "net.safetensors")
    save_snapshot(snapshot(1), folder)
    return folder


def meant(content: bytes | None) -> object:
    """What a file says: safetensors writes a header's words in any order."""
    if content is None or b"__metadata__" not in content[:100]:
        return content
    end = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:end]), content[end:]


@pytest.mark.parametrize("how", FULL)
@pytest.mark.parametrize("what", WRITERS)
def test_a_full_disk_leaves_nothing_half_and_what_was_there(
    what: str, how: str, before: Path, tmp_path: Path
) -> None:
    full, roomy = (Path(shutil.copytree(before, tmp_path / name)) for name in ("full", "roomy"))
    WRITERS[what](roomy)
    known, after = tree(full), tree(roomy)
    with FULL[how](), pytest.raises((ParseNetError, OSError), match=str(full)) as told:
        WRITERS[what](full)
    assert "\n" not in str(told.value)
    for name, content in tree(full).items():
        assert meant(content) in [meant(each[name]) for each in (known, after) if name in each]
    if how.startswith("no byte"):
        assert {name for name in tree(full) if name != "new"} == known.keys()
    WRITERS[what](full)
    assert {name: meant(each) for name, each in tree(full).items()} == {
        name: meant(each) for name, each in after.items()
    }


@pytest.mark.parametrize("room", [0, 30])
def test_a_line_that_does_not_fit_is_told_and_forgotten(room: int, tmp_path: Path) -> None:
    place = tmp_path / JOURNAL
    with TrainingJournal(place) as journal:
        journal.write({"iteration": 1, "loss": 0.5})
    size = place.stat().st_size
    with (
        pytest.raises(TrainingError, match=f"{JOURNAL}: cannot be written: File too large"),
        full_after(size + room),
        TrainingJournal(place, iteration=1) as journal,
    ):
        journal.write({"iteration": 2, "loss": 0.25, "more": "x" * 100})
    assert [line["iteration"] for line in read_journal(place)] == [1]
    with TrainingJournal(place, iteration=1) as journal:
        journal.write({"iteration": 2, "loss": 0.25})
    assert read_journal(place) == [
        {"iteration": 1, "loss": 0.5},
        {"iteration": 2, "loss": 0.25},
    ]


def test_a_power_cut_leaves_the_old_checkpoint_or_the_new_one(before: Path, tmp_path: Path) -> None:
    disk = PowerCut(Path(shutil.copytree(before, tmp_path / "disk")))
    with disk.watched():
        save_checkpoint(SECOND, disk.root / "net.safetensors")
    found = set()
    for index, world in enumerate(disk.worlds):
        place = make_real(world, tmp_path / str(index)) / "net.safetensors"
        weights = next(load_checkpoint(place).model.parameters())
        assert weights.min() == weights.max()
        found.add(float(weights.max()))
    assert found == {1.0, 2.0}
    contents = {world["net.safetensors"] for world in disk.now()}
    assert contents == {(disk.root / "net.safetensors").read_bytes()}


def test_a_power_cut_leaves_a_training_that_goes_on(tmp_path: Path) -> None:
    """Configuration, lines and snapshots, as the loop writes them: never one that contradicts."""
    lines = [{"iteration": k, "loss": 1 / k} for k in range(1, 7)]
    disk = PowerCut(tmp_path / "disk")
    disk.root.mkdir()
    with disk.watched():
        write_config(usual_experiment(), disk.root)
        with TrainingJournal(disk.root / JOURNAL) as journal:
            for line in lines:
                journal.write(line)
                if line["iteration"] % 2 == 0:
                    journal.flush()
                    save_snapshot(snapshot(line["iteration"]), disk.root, keep=1)
    reached = set()
    for index, world in enumerate(disk.worlds):
        folder = make_real(world, tmp_path / str(index))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            latest = latest_snapshot(folder)
        iteration = 0 if latest is None else latest.iteration
        if latest is not None:
            assert (latest.model["conv.weight"] == iteration).all()
            assert read_journal(folder / JOURNAL)[:iteration] == lines[:iteration]
        if (folder / CONFIG).exists():
            assert read_config(folder) == usual_experiment()
        with TrainingJournal(folder / JOURNAL, iteration=iteration):
            pass
        assert read_journal(folder / JOURNAL) == lines[:iteration]
        reached.add(iteration)
    assert reached == {0, 2, 4, 6}
    assert all("iteration-000000006.safetensors" in world for world in disk.now())
