"""What a training reports of every iteration, one JSON object a line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from parsenet.errors import TrainingError

JOURNAL = "metrics.jsonl"


class TrainingJournal:
    """Append to ``metrics.jsonl``, iteration by iteration; on going on, forget the later ones.

    Every line has ``iteration``, counted from 1. Lines of iterations beyond the snapshot that a
    training goes on from are cut off, as is a line that was left unfinished by a killed process.
    Used in a ``with``.

    Args:
        path: the file; made if it is not there.
        iteration: the last iteration whose line stays; 0 begins anew.

    Raises:
        TrainingError: if the file cannot be read or written.
    """

    def __init__(self, path: Path, *, iteration: int = 0) -> None:
        self.path = path
        with _reported(path):
            self._file = path.open("r+b" if path.exists() else "w+b")
            self._file.truncate(self._end_of(iteration))
            self._file.seek(0, os.SEEK_END)

    def __enter__(self) -> TrainingJournal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with _reported(self.path):
            self._file.close()

    def write(self, values: Mapping[str, Any]) -> None:
        """Append a line. It outlives the process, though not a power failure: see ``flush``."""
        with _reported(self.path):
            self._file.write(json.dumps(dict(values)).encode() + b"\n")
            self._file.flush()

    def flush(self) -> None:
        """Wait until all lines are on the disk."""
        with _reported(self.path):
            os.fsync(self._file.fileno())

    def _end_of(self, iteration: int) -> int:
        """Return where the last line to keep ends, in bytes."""
        end = 0
        for line in self._file:
            if _iteration(line) > iteration:
                break
            end += len(line)
        return end


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TrainingError(f"{path}: cannot be written: {error.strerror or error}") from error


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Return the reports of a training, the first iteration first; an unfinished line is left out.

    Raises:
        TrainingError: if there is no such file.
    """
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        raise TrainingError(f"{path}: cannot be read: {error}") from error
    return [json.loads(line) for line in lines if _iteration(line) < float("inf")]


def _iteration(line: bytes) -> float:
    """Return the iteration of a line; infinity if it is no whole one."""
    if not line.endswith(b"\n"):
        return float("inf")
    try:
        return float(json.loads(line)["iteration"])
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return float("inf")


def read_curves(run: str | os.PathLike[str], key: str) -> list[tuple[int, float]]:
    """Return (iteration, value) of every report that has this key, such as "mean_iou".

    Args:
        run: a training's folder, or its ``metrics.jsonl``.
        key: what is reported.

    Raises:
        TrainingError: if there is no such file, or what it holds under the key is no number.
    """
    path = Path(run, JOURNAL) if Path(run).is_dir() else Path(run)
    if not path.is_file():
        raise TrainingError(f"{path}: no such file; a training writes it")
    return [
        (int(line["iteration"]), _number(path, line, key))
        for line in read_journal(path)
        if key in line
    ]


def _number(path: Path, line: Mapping[str, Any], key: str) -> float:
    try:
        return float(line[key])
    except (TypeError, ValueError, OverflowError):
        raise TrainingError(
            f"{path}: {key} of iteration {line['iteration']} is no number"
        ) from None
