"""Saved evaluations beside each other, against bootstraps and tests by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cli import main
from parsenet.errors import DatasetError
from parsenet.evaluations import compare_evaluations
from parsenet.photo_scores import PhotoScores, mean_ious, paired_difference

RNG = np.random.default_rng(0)
NAMES = tuple(f"drive{k // 10}_{k:03d}" for k in range(40))
TRUTH = RNG.integers(0, 200, (40, 3))


def scored(share: float, drive_shift: float = 0.0) -> PhotoScores:
    """Photos of which a share of each class is right; more or less of it on every other drive."""
    right = np.clip(share + drive_shift * (np.arange(40) // 10 % 2 - 0.5), 0, 1)[:, None]
    confusions = np.zeros((40, 3, 3), np.int64)
    for true in range(3):
        called = np.rint(TRUTH[:, true] * right[:, 0]).astype(int)
        confusions[:, true, true] = called
        confusions[:, true, (true + 1) % 3] = TRUTH[:, true] - called
    return PhotoScores(NAMES, confusions)


def write(path: Path, scores: PhotoScores, **other: object) -> Path:
    classes = [{"name": each} for each in "abc"]
    head = {"checkpoint": path.stem, "data": "camvid", "split": "val", "classes": classes}
    path.write_text(json.dumps(head | scores.as_plain() | other))
    return path


def test_two_evaluations_are_paired_by_photo(tmp_path: Path) -> None:
    one, other = scored(0.6), scored(0.7)
    paths = [write(tmp_path / "a.json", one), write(tmp_path / "b.json", other)]
    found = compare_evaluations(paths)
    first, second = found.rows
    assert (first.title, second.title, found.units) == ("a", "b", "40 photos")
    assert first.mean_iou == float(mean_ious(one.confusions.sum(0, keepdims=True).astype(float))[0])
    assert first.difference is None
    assert second.difference == paired_difference(other, one)
    assert second.difference.p < 0.01
    wide = compare_evaluations(paths, level=0.999).rows[1].difference
    assert wide is not None
    assert wide.high - wide.low > second.difference.high - second.difference.low


@pytest.mark.parametrize("which", [0, 1])
def test_drives_are_drawn_together_where_one_says_which_they_are(
    tmp_path: Path, which: int
) -> None:
    both = [scored(0.6), scored(0.6, drive_shift=0.3)]
    both[which] = both[which].grouped("drive")
    paths = [write(tmp_path / f"{k}.json", each) for k, each in enumerate(both)]
    found = compare_evaluations(paths)
    assert found.units == "4 groups"
    difference = found.rows[1].difference
    assert difference is not None
    assert difference.units == 4
    drives = np.stack([each.confusions.reshape(4, 10, 3, 3).sum(1) for each in both])
    counts = np.random.default_rng(0).multinomial(4, [0.25] * 4, 2000)
    drawn = [mean_ious(np.einsum("du,uij->dij", counts.astype(float), each)) for each in drives]
    low, high = np.quantile(drawn[1] - drawn[0], [0.025, 0.975])
    assert (difference.low, difference.high) == pytest.approx((low, high))
    apart = [replace(each, groups=()) for each in both]
    lone = paired_difference(apart[1], apart[0])
    assert high - low > 1.5 * (lone.high - lone.low)


def test_the_command_prints_a_row_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    paths = [
        str(write(tmp_path / f"{name}.json", scored(share).grouped("drive")))
        for name, share in (("none", 0.6), ("late", 0.7))
    ]
    done = CliRunner().invoke(main, ["compare", *paths])
    assert done.exit_code == 0, done.output
    expected = compare_evaluations(paths).rows[1]
    assert expected.difference is not None
    line = next(each for each in done.output.splitlines() if each.split()[:1] == ["late"])
    assert f"{expected.mean_iou:.4f}" in line
    assert f"{expected.difference.difference:+.4f}" in line
    assert line.split()[-1] == f"{expected.difference.p:.4f}"
    assert "95 % intervals over 4 groups" in done.output
    plain = json.loads(CliRunner().invoke(main, ["compare", *paths, "--json"]).stdout)
    assert plain["rows"][1]["difference"]["p"] == expected.difference.p
    refused = CliRunner().invoke(main, ["compare", *paths, "--share", "0.5"])
    assert refused.exit_code == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"split": "test"}, "is of other split than the first: test, not val"),
        ({"data": "voc2012"}, "is of other data"),
        ({"classes": [{"name": "x"}] * 3}, "is of other classes"),
        ({"classes": [{"name": "x"}] * 2}, "no table of 2 by 2 whole numbers"),
        ({"photos": []}, "holds no photo"),
        ({"photos": [{"name": "a", "confusion": [[1.5] * 3] * 3}]}, "no table of 3 by 3"),
        ({"photos": [{"name": "a", "confusion": [[-1] * 3] * 3}]}, "fewer than none"),
        ({"photos": [{"name": "a", "confusion": [[1] * 3] * 3}]}, "is of other photos"),
        ({"photos": [{"name": "a", "confusion": [[0] * 3] * 3}]}, "counts no pixel"),
        ({"photos": 3}, "is no `erf evaluate --json`"),
    ],
)
def test_what_cannot_be_paired_is_one_line(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    paths = [
        write(tmp_path / "a.json", scored(0.6)),
        write(tmp_path / "b.json", scored(0.6), **change),
    ]
    with pytest.raises(DatasetError, match=words) as error:
        compare_evaluations(paths)
    assert "b.json" in str(error.value)


def test_files_of_another_kind_are_one_line(tmp_path: Path) -> None:
    good = write(tmp_path / "a.json", scored(0.6))
    for content in ("", "[1, 2]", "{}", "[" * 100_000, '{"photos": NaN}'):
        bad = tmp_path / "bad.json"
        bad.write_text(content)
        with pytest.raises(DatasetError, match=r"bad\.json: ") as error:
            compare_evaluations([good, bad])
        assert "\n" not in str(error.value)
    with pytest.raises(DatasetError, match="compared with nothing"):
        compare_evaluations([good])
    grouped = write(tmp_path / "g.json", scored(0.6).grouped("drive"))
    other = write(tmp_path / "o.json", scored(0.6).grouped("(drive.)_.."))
    finer = write(tmp_path / "f.json", scored(0.6).grouped(r"\w*"))
    assert compare_evaluations([grouped, other]).units == "4 groups"
    with pytest.raises(DatasetError, match="group photos differently"):
        compare_evaluations([grouped, finer])
