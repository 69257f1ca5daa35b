"""Workers of torchrun: the same bytes by one, two, three, and two agents; one that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

import erf
from erf.study import StudyMethod, run_study
from erf.study.tasks import LEAST, StudyPhoto, cut_long, plan_tasks
from erf.study.team import Team
from strategies.studies import hashes, model, photos, plan
from strategies.teams import long_plan, share_study

NETS = """
from torch import nn
def one():
    return nn.Sequential(nn.Conv2d(3, 8, 5, padding=2), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1))
def other():
    return nn.Sequential(nn.Conv2d(3, 4, 7, padding=3), nn.ReLU(), nn.Conv2d(4, 8, 3, padding=1))
"""
PLAN = """
images = ["photos"]
units = ["center", "grid:2"]
layers = ["0", "2"]
models = ["nets.py:one", "nets.py:other"]
[methods.noise]
patch = 8
draws = 2
"""
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workers")
    photos(folder / "photos", 4, 40)
    (folder / "nets.py").write_text(NETS)
    (folder / "plan.toml").write_text(PLAN)
    start(folder, [sys.executable], "alone").wait()
    return folder


def start(folder: Path, launcher: list[str], out: str, *more: str) -> subprocess.Popen[bytes]:
    command = [*launcher, "-m", "erf", "study", "plan.toml", "--out", out, *more]
    return subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stderr=subprocess.PIPE)


def torchrun(*options: str) -> list[str]:
    return [sys.executable, "-m", "torch.distributed.run", *options]


def test_a_worker_alone_has_a_store_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    team = Team.of_torchrun()
    assert [team.take("a"), team.take("a"), team.take("b"), team.count("a", 0)] == [0, 1, 0, 2]
    assert team.agree("key", lambda: "said") == "said"
    assert team.leads


def test_every_task_is_given_out_once_and_each_model_to_few() -> None:
    from erf.study.running import _turns

    paths = tuple(Path(f"{name}.png") for name in "abcd")
    asked = plan(paths, (model("one"), model("other"), model("third")))
    known = [StudyPhoto(path, str(n) * 64, (40 + n, 40)) for n, path in enumerate(paths)]
    tasks = plan_tasks(asked, known)
    tasks[0] = replace(tasks[0], parts=3)
    store = Team().store
    workers = [_turns(tasks, Team(rank, 2, store)) for rank in range(2)]
    own = [next(each) for each in workers]
    assert [title for title, _ in own] == ["one", "other"]
    taken = [(each.task.path, each.part) for _, some in own for each in some]
    taken += [(t.task.path, t.part) for each in workers for _, some in each for t in some]
    assert sorted(taken) == sorted((task.path, n) for task in tasks for n in range(task.parts))
    assert [task.photo.path.name for task in tasks[:4]] == ["d.png", "c.png", "b.png", "a.png"]


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[Path, ...], dict[str, str]]:
    """A photo, and what a worker alone measures on it without a thought of parts."""
    folder = tmp_path_factory.mktemp("long")
    images = photos(folder / "photos", 1, 40)
    run_study(long_plan(images), folder / "alone")
    return images, hashes(folder / "alone")


def test_blocks_of_a_long_photo_are_shared_to_the_same_bytes(
    long: tuple[tuple[Path, ...], dict[str, str]], tmp_path: Path
) -> None:
    images, alone = long
    taken = share_study(images, tmp_path, 2)
    assert all(taken)
    assert sorted(block for some in taken for block in some) == list(range(10))
    assert hashes(tmp_path / "study") == alone
    assert not (tmp_path / "study" / ".work").exists()


def test_parts_are_blocks_of_the_plan_alone(
    long: tuple[tuple[Path, ...], dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, alone = long
    monkeypatch.setattr("erf.study.tasks.LEAST", 1)
    assert run_study(long_plan(images), tmp_path / "parts").done == 1
    assert hashes(tmp_path / "parts") == alone
    failing = replace(long_plan(images), layers=("nowhere",))
    with pytest.raises(erf.ErfError, match=r"nothing was measured: .*'nowhere'"):
        run_study(failing, tmp_path / "failed")


def test_only_what_is_long_among_the_others_is_cut() -> None:
    photo = StudyPhoto(Path("a.png"), "a" * 64, (512, 512))
    (task,) = plan_tasks(plan((photo.path,), (model("one"),)), [photo])
    assert (task.blocks, task.length) == (32, 128 * 128 * 2 * 512 * 512)
    assert cut_long([task])[0].parts == 32
    assert [each.parts for each in cut_long([task] * 200)] == [1] * 200
    short = replace(task, passes=100)
    assert short.length < LEAST * 2
    assert [each.parts for each in cut_long([short])] == [2]
    until = {"noise": StudyMethod(erf.Noise(patch=4, draws=erf.until(0.1)))}
    (whole,) = plan_tasks(replace(plan((photo.path,), (model("one"),)), methods=until), [photo])
    assert whole.blocks == 1


@pytest.mark.slow
@pytest.mark.parametrize("number", [2, 3])
def test_more_workers_give_the_same_bytes(place: Path, number: int) -> None:
    options = torchrun("--standalone", "--nproc-per-node", str(number))
    assert start(place, options, f"by{number}").wait() == 0
    assert hashes(place / f"by{number}") == hashes(place / "alone")
    assert not (place / f"by{number}" / ".work").exists()


@pytest.mark.slow
def test_two_agents_give_the_same_bytes(place: Path) -> None:
    rendezvous = ("--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:29571", "--rdzv-id", "1")
    agents = [
        start(
            place,
            torchrun(
                "--nnodes", "2", "--nproc-per-node", "1", *rendezvous, "--local-addr", "127.0.0.1"
            ),
            "nodes",
        )
        for _ in range(2)
    ]
    assert [agent.wait() for agent in agents] == [0, 0]
    assert hashes(place / "nodes") == hashes(place / "alone")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_worker_that_is_killed_costs_nothing_that_is_done(place: Path, seed: int) -> None:
    out = place / f"killed{seed}"
    agent = start(
        place,
        torchrun("--standalone", "--nproc-per-node", "2", "--max-restarts", "1"),
        out.name,
    )
    while agent.poll() is None and len(hashes(out) if out.exists() else ()) < 10 * seed + 1:
        time.sleep(0.05)
    kept = {path: path.stat().st_mtime_ns for path in out.rglob("zarr.json")}
    children = psutil.Process(agent.pid).children()
    if children:
        os.kill(children[seed % len(children)].pid, signal.SIGKILL)
    assert agent.wait() == 0
    assert hashes(out) == hashes(place / "alone")
    results = {
        path: time for path, time in kept.items() if path.exists() and ".work" not in str(path)
    }
    assert {path: path.stat().st_mtime_ns for path in results} == results
    assert not (out / ".work").exists()


@pytest.mark.slow
def test_a_terminated_study_goes_on_with_other_workers(place: Path) -> None:
    out = place / "stopped"
    process = start(place, [sys.executable], out.name)
    while process.poll() is None and not (out.exists() and hashes(out)):
        time.sleep(0.05)
    process.terminate()
    assert process.stderr is not None
    said = process.stderr.read().decode()
    process.wait()
    assert "--out stopped the same command goes on" in said or hashes(out) == hashes(
        place / "alone"
    )
    assert start(place, torchrun("--standalone", "--nproc-per-node", "2"), out.name).wait() == 0
    assert hashes(out) == hashes(place / "alone")
