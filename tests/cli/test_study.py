"""``erf study``, and its short form: what is said before, meanwhile and after."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cli
import erf
from strategies.studies import hashes, photos

NETS = """
from torch import nn
def one():
    return nn.Sequential(nn.Conv2d(3, 4, 5, padding=2), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))
def other():
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))
"""
PLAN = """
images = ["photos"]
layers = ["0", "2"]
units = ["grid:2"]
models = ["nets.py:one", "nets.py:other"]
[methods.noise]
patch = 8
draws = 2
"""
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("command")
    photos(folder / "photos", 1)
    (folder / "nets.py").write_text(NETS)
    (folder / "plan.toml").write_text(PLAN)
    return folder


@pytest.fixture
def run(place: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(place)
    return lambda *words: CliRunner().invoke(cli.main, [*map(str, words)])


@pytest.fixture(scope="module")
def done(place: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        told = CliRunner().invoke(cli.main, ["study", "plan.toml", "--out", "done"])
    assert told.exit_code == 0, told.output
    assert told.stdout.splitlines() == [
        "one        2 of     2",
        "other      2 of     2",
        "4 of 4 done, 0 missing",
        "study  done",
    ]
    return place / "done"


def test_a_dry_run_says_what_it_takes_and_writes_nothing(run: Run, place: Path) -> None:
    told = run("study", "plan.toml", "--out", "dry", "--dry-run")
    assert told.exit_code == 0, told.output
    lines = told.stdout.splitlines()
    # 2 models x 1 photo; 3 x 3 patches x 2 draws in each; 2 layers x one name of units.
    assert lines[:2] == ["tasks    2 open (4 answers)", "passes   at most 36"]
    assert [line.split()[0] for line in lines[2:]] == ["memory", "disk", "time"]
    assert "as long as one in whole passes" in lines[-1]
    assert not (place / "dry").exists()


def test_the_short_form_gives_the_same_bytes(run: Run, done: Path, place: Path) -> None:
    asked = ("--layer", "0", "--layer", "2", "--unit", "grid:2", "--patch", 8, "--draws", 2)
    told = run(
        "probe", "nets.py:one", "nets.py:other", *asked, "--image", "photos", "--out", "short"
    )
    assert told.exit_code == 0, told.output
    assert len(hashes(done)) == 2 * 2 * 4
    assert hashes(place / "short") == hashes(done)


def test_a_study_that_is_whole_measures_nothing_and_says_so(run: Run, done: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in done.rglob("zarr.json")}
    assert "4 of 4 done, 0 missing" in run("study", "plan.toml", "--out", "done").stdout
    assert "4 of 4 done, 0 missing" in run("study", "done").stdout
    assert run("study", "plan.toml", "--out", "done", "--dry-run").stdout.startswith(
        "tasks    0 open"
    )
    assert {path: path.stat().st_mtime_ns for path in done.rglob("zarr.json")} == before
    assert repr(erf.open(done)).endswith(
        "16 results; 2 models, 2 layers, 1 units, 1 images, 1 methods)"
    )


def test_a_layer_that_is_not_there_is_said_after_the_others_are_done(run: Run, place: Path) -> None:
    other = '{model = "nets.py:other", layers = ["nowhere"]}'
    (place / "bad.toml").write_text(PLAN.replace('"nets.py:other"', other))
    told = run("study", "bad.toml", "--out", "bad")
    assert told.exit_code == 2
    assert "1 tasks failed, such as other/noise/photo" in told.output
    assert "2 of 3 done, 1 missing, 1 tasks failed" in told.output
    assert "layer 'nowhere' is not one of the model's 3 modules" in told.output
    assert len(hashes(place / "bad")) == 2 * 4


def test_an_interruption_names_the_way_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("erf.study.run_study", stop)
    told = run("study", "plan.toml", "--out", "a b")
    assert told.exit_code != 0
    assert "stopped; with --out 'a b' the same command goes on" in told.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("study", "done", "--dry-run"),
            "a study's folder is looked at; --out, --dry-run need a plan",
        ),
        (("study", "nowhere.toml"), "nowhere.toml"),
        (("study", "photos"), "photos: holds no study"),
        (("probe", "a", "b", "--layer", "0", "--grid", "2,2"), "are of one MODEL, one --layer"),
    ],
)
def test_what_makes_no_sense_is_refused(
    run: Run, done: Path, words: tuple[str, ...], said: str
) -> None:
    told = run(*words)
    assert told.exit_code == 2
    assert said in " ".join(told.output.split())
