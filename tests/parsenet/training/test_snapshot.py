import re
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from parsenet.errors import TrainingError
from parsenet.training.snapshot import (
    WRITING,
    SnapshotWarning,
    latest_snapshot,
    load_snapshot,
    save_snapshot,
    snapshots,
)
from strategies.killing import kill, start
from strategies.snapshots import snapshot, write_for_ever


def numbers(folder: Path) -> list[int]:
    return [int(path.stem.split("-")[1]) for path in snapshots(folder)]


def test_everything_comes_back(tmp_path):
    wanted = snapshot(30)
    found = load_snapshot(save_snapshot(wanted, tmp_path / "new" / "folder"))
    assert (found.iteration, found.settings) == (30, {"rate": 1e-8})
    assert found.model.keys() == wanted.model.keys()
    assert all(torch.equal(found.model[name], wanted.model[name]) for name in wanted.model)
    buffer = found.optimizer[7]["momentum_buffer"]
    assert buffer.dtype == torch.bfloat16
    assert torch.equal(buffer, wanted.optimizer[7]["momentum_buffer"])


def test_the_last_are_kept(tmp_path):
    for iteration in (1, 2, 30, 400):
        save_snapshot(snapshot(iteration), tmp_path, keep=2)
    assert numbers(tmp_path) == [30, 400]
    latest = latest_snapshot(tmp_path)
    assert latest is not None
    assert latest.iteration == 400


def test_going_on_from_an_earlier_one_leaves_no_later_one(tmp_path):
    for iteration in (10, 20, 30):
        save_snapshot(snapshot(iteration), tmp_path, keep=3)
    save_snapshot(snapshot(15), tmp_path, keep=1)
    assert numbers(tmp_path) == [15]


@pytest.mark.parametrize("missing", [False, True])
def test_an_empty_folder_has_none(tmp_path, missing):
    assert latest_snapshot(tmp_path / "none" if missing else tmp_path) is None


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def test_no_changed_byte_goes_unnoticed(tmp_path):
    path = save_snapshot(snapshot(3, size=1), tmp_path)
    whole = path.read_bytes()
    for position in range(len(whole)):
        flip(path, position)
        try:
            found = load_snapshot(path)
        except TrainingError as error:
            words = str(error)
        else:
            # Padding of the header, which safetensors leaves alone, means nothing.
            assert found.model["steps"] == 3
            assert whole[position : position + 1] == b" "
            continue
        finally:
            path.write_bytes(whole)
        assert words.startswith(f"{path}: is ")
        assert "\n" not in words


def test_a_damaged_one_is_passed_over_with_a_notice(tmp_path):
    save_snapshot(snapshot(1), tmp_path)
    path = save_snapshot(snapshot(2), tmp_path)
    flip(path, -1)
    words = rf"{re.escape(str(path))}: is damaged: its checksum differs; using the one before"
    with pytest.warns(SnapshotWarning, match=words):
        latest = latest_snapshot(tmp_path)
    assert latest is not None
    assert latest.iteration == 1


def test_a_shortened_one_is_damaged(tmp_path):
    save_snapshot(snapshot(1), tmp_path)
    path = save_snapshot(snapshot(2), tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.warns(SnapshotWarning, match="is damaged"):
        assert latest_snapshot(tmp_path)


def test_if_all_are_damaged_that_is_an_error(tmp_path):
    path = save_snapshot(snapshot(1), tmp_path)
    path.write_bytes(b"")
    with pytest.raises(TrainingError, match=r"is damaged: .*; no other snapshot is left in "):
        latest_snapshot(tmp_path)


def test_other_files_are_no_snapshots(tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "iteration-000000001.safetensors"
    save_file({"a": torch.ones(1)}, path)
    with pytest.raises(TrainingError, match="is no snapshot of a training"):
        load_snapshot(path)


def test_what_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        TrainingError, match=r"iteration-000000001.safetensors: cannot be written: "
    ):
        save_snapshot(snapshot(1), tmp_path / "file")
    with pytest.raises(TrainingError, match="keep must be at least 1, is 0"):
        save_snapshot(snapshot(1), tmp_path, keep=0)


def test_a_killed_writer_leaves_a_usable_folder(tmp_path):
    """What was reported as written is there, and whole; at most one more."""
    random = np.random.default_rng(0)
    left = 0
    for attempt in range(80):  # ten at least, and on until one was killed in the middle of a file
        if attempt >= 10 and left:
            break
        folder, log = tmp_path / str(attempt), tmp_path / f"{attempt}.log"
        writer = start(write_for_ever, folder, log)
        while not (log.exists() and log.stat().st_size):
            time.sleep(0.001)
        time.sleep(random.uniform(0, 0.03))
        kill(writer)
        reported = int(log.read_text().split()[-1])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            latest = latest_snapshot(folder)
        assert latest is not None
        assert latest.iteration in (reported, reported + 1)
        assert (latest.model["conv.weight"] == latest.iteration).all()
        left += sum(1 for _ in (folder / WRITING).glob("*"))
        save_snapshot(snapshot(latest.iteration + 1), folder)
        assert len(list(folder.iterdir())) == 2
    assert left, "no writer was killed in the middle of a file: write more, or kill earlier"
