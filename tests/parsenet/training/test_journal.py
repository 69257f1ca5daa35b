from pathlib import Path

import pytest

from parsenet.errors import TrainingError
from parsenet.training.journal import TrainingJournal, read_curves, read_journal


def write(path: Path, first: int, last: int) -> None:
    with TrainingJournal(path, iteration=first - 1) as journal:
        for iteration in range(first, last + 1):
            journal.write({"iteration": iteration, "loss": iteration / 4})
        journal.flush()


def test_lines_come_back(tmp_path):
    write(tmp_path / "metrics.jsonl", 1, 3)
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert lines[1] == '{"iteration": 2, "loss": 0.5}'
    assert [line["loss"] for line in read_journal(tmp_path / "metrics.jsonl")] == [0.25, 0.5, 0.75]


@pytest.mark.parametrize("rest", ["", '{"iteration": 8, "lo', '{"iteration": 8}', "\0\0\0\n"])
def test_going_on_is_as_if_nothing_had_happened(tmp_path, rest):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    write(whole, 1, 9)
    write(cut, 1, 7)
    with cut.open("a") as file:
        file.write(rest)
    write(cut, 6, 9)
    assert cut.read_bytes() == whole.read_bytes()


def test_beginning_anew_forgets_everything(tmp_path):
    write(tmp_path / "m", 1, 9)
    write(tmp_path / "m", 1, 2)
    assert len(read_journal(tmp_path / "m")) == 2


def test_an_unfinished_line_is_not_read(tmp_path):
    (tmp_path / "m").write_text('{"iteration": 1}\n{"iteration": 2}')
    assert read_journal(tmp_path / "m") == [{"iteration": 1}]


def test_errors(tmp_path):
    with pytest.raises(TrainingError, match="m: cannot be read: "):
        read_journal(tmp_path / "m")
    with pytest.raises(TrainingError, match="m: cannot be written: "):
        TrainingJournal(tmp_path / "none" / "m")


def test_a_curve_has_the_iterations_that_report_it(tmp_path):
    lines = '{"iteration": 1, "loss": 3}\n{"iteration": 2, "loss": 2, "mean_iou": 0.5}\n{"iter'
    (tmp_path / "metrics.jsonl").write_text(lines)
    assert read_curves(tmp_path, "loss") == [(1, 3.0), (2, 2.0)]
    assert read_curves(tmp_path / "metrics.jsonl", "mean_iou") == [(2, 0.5)]
    with pytest.raises(TrainingError, match=r"none: no such file; a training writes it"):
        read_curves(tmp_path / "none", "loss")
