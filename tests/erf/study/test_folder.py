"""A run's folder: who may write there, and what is left when nothing was found."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import erf
from erf.atomic import STAGING, new_file, new_folder
from erf.results.group import DOCUMENT
from erf.study import RunFolder, free_place, new_place
from erf.study.folder import HOLDER, RUN


def test_a_run_goes_on_and_another_is_refused_by_name(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run", {"layer": "a", "contents": ["1"]})
    with folder.held():
        (folder.path / "result.zarr").mkdir()
    folder.check()
    with folder.held():
        pass
    with pytest.raises(erf.StoreError, match="holds another run, which differs in contents, layer"):
        RunFolder(folder.path, {"layer": "b", "contents": ["2"]}).check()
    assert json.loads((folder.path / RUN).read_text())["layer"] == "a"


@pytest.mark.parametrize("nested", [False, True])
def test_a_refusal_leaves_nothing_behind(tmp_path: Path, nested: bool) -> None:
    place = tmp_path / "a" / "b" if nested else tmp_path / "b"
    with pytest.raises(RuntimeError, match="refused"), RunFolder(place, {}).held():
        raise RuntimeError("refused")
    assert list(tmp_path.iterdir()) == []


def test_what_was_found_stays_after_an_error(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run", {})
    held = folder.held()
    held.__enter__()
    (folder.path / "found").touch()
    error = RuntimeError("later")
    assert not held.__exit__(RuntimeError, error, None)
    assert {each.name for each in folder.path.iterdir()} == {"found", RUN, DOCUMENT}
    folder.check()


def test_an_interrupted_run_that_has_found_nothing_can_begin_again(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run", {"layer": "a"})
    with pytest.raises(KeyboardInterrupt), folder.held():
        raise KeyboardInterrupt
    with RunFolder(folder.path, {"layer": "b"}).held():
        pass
    assert json.loads((folder.path / RUN).read_text())["layer"] == "b"


HOLD = """
    import sys, time
    from pathlib import Path
    from erf.study import RunFolder
    with RunFolder(Path(sys.argv[1]), {}).held():
        print("held", flush=True)
        time.sleep(600)
"""


def test_a_second_process_is_told_who_is_there_and_a_dead_one_is_taken_over(
    tmp_path: Path,
) -> None:
    folder = RunFolder(tmp_path / "run", {})
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLD), str(folder.path)], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(erf.StoreError, match=f"process {process.pid} on .* is at work"):
            folder.held().__enter__()
    finally:
        process.kill()
        process.wait()
    with folder.held():
        assert (folder.path / HOLDER).read_text() != f"process {process.pid}"


def test_a_half_written_note_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / RUN).touch()
    with RunFolder(tmp_path / "run", {"layer": "a"}).held():
        pass
    assert json.loads((tmp_path / "run" / RUN).read_text())["layer"] == "a"


def test_runs_of_earlier_versions_are_not_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "found").touch()
    (tmp_path / RUN).write_text('{"version": 2, "layer": "a"}')
    with pytest.raises(
        erf.StoreError, match="holds a run of version 2, and this software writes 3"
    ):
        RunFolder(tmp_path, {"layer": "a"}).check()


def test_places(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    assert free_place("x/y", tmp_path) == tmp_path / "x-y"
    (tmp_path / "x-y").mkdir()
    assert free_place("x/y", tmp_path) == tmp_path / "x-y-2"
    assert new_place(tmp_path / "a b", "x") == tmp_path / "a b"
    (tmp_path / "a b" / "c").touch()
    with pytest.raises(erf.StoreError, match="exists and holds something"):
        new_place(tmp_path / "a b", "x")
    with pytest.raises(erf.StoreError, match="exists and holds something"):
        new_place(tmp_path / "a b" / "c", "x")


@pytest.mark.parametrize("content", [b"\xff\x00", b"[1]", b'{"mine": 1}'])
def test_a_file_of_somebody_elses_is_not_overwritten(tmp_path: Path, content: bytes) -> None:
    (tmp_path / RUN).write_bytes(content)
    with pytest.raises(erf.StoreError, match=r"other than a run|another run|of version 1"):
        RunFolder(tmp_path, {"layer": "a"}).check()
    assert (tmp_path / RUN).read_bytes() == content


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run", {"layer": "a"})
    with folder.held():
        (folder.path / "result.zarr").mkdir()
    (folder.path / ".result.zarr.yg285ypn" / "c").mkdir(parents=True)
    (folder.path / ".result._a2b4c6d.png").touch()
    (folder.path / ".result.journal").mkdir()
    (folder.path / ".notes").touch()
    with folder.held():
        pass
    left = {each.name for each in folder.path.iterdir()}
    assert left == {RUN, DOCUMENT, "result.zarr", ".result.journal", ".notes"}


def test_names_of_staging_are_those_that_are_swept(tmp_path: Path) -> None:
    seen: list[str] = []
    with new_folder(tmp_path / "a.zarr") as one, new_file(tmp_path / "b.json") as two:
        seen += [one.name, two.name]
        two.touch()
    assert all(STAGING.fullmatch(name) for name in seen)
