"""Evaluations that were saved as JSON, compared: paired by photo, or by drive where known."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from parsenet.errors import DatasetError
from parsenet.photo_scores import (
    LEVEL,
    PairedDifference,
    PhotoScores,
    paired_difference,
    said_interval,
)

LARGEST = 2**50
"""Pixels of one kind that a photo may count; more would not add up."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What ``erf evaluate --json`` said of a checkpoint.

    Attributes:
        title: the checkpoint, as it was named.
        data, split: what it was scored on.
        classes: names, in order.
        scores: photo by photo, with the groups that were asked for, if any.
    """

    title: str
    data: str
    split: str
    classes: tuple[str, ...]
    scores: PhotoScores

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Evaluation:
        """Read a file that holds the output of ``erf evaluate --json``.

        Raises:
            DatasetError: if it cannot be read or is none; one line with the file and the reason.
        """
        try:
            plain = json.loads(Path(path).read_text(encoding="utf-8"))
            return _parsed(plain)
        except (OSError, UnicodeDecodeError, RecursionError) as error:
            raise DatasetError(f"{path}: cannot be read: {error}") from error
        except KeyError as error:
            raise DatasetError(f"{path}: is no `erf evaluate --json`: lacks {error}") from error
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DatasetError(f"{path}: is no `erf evaluate --json`: {error}") from error


@dataclass(frozen=True)
class ComparedEvaluation:
    """One evaluation beside the first.

    Attributes:
        title: the checkpoint.
        mean_iou: over the pixels of all photos.
        interval: its ends; None where there is but one photo or group.
        difference: from the first, paired; None of the first itself, and likewise.
    """

    title: str
    mean_iou: float
    interval: tuple[float, float] | None
    difference: PairedDifference | None


@dataclass(frozen=True)
class EvaluationComparison:
    """Evaluations beside the first of them.

    Attributes:
        rows: one each.
        level: of the intervals.
        units: over which they run: a number of ``photos`` or ``groups``.
    """

    rows: tuple[ComparedEvaluation, ...]
    level: float
    units: str

    def to_json(self) -> str:
        """Return all numbers as JSON."""
        return json.dumps(asdict(self), allow_nan=False)


def compare_evaluations(
    paths: Sequence[str | os.PathLike[str]], *, level: float = LEVEL
) -> EvaluationComparison:
    """Compare saved evaluations with the first of them, on the same photos.

    Where one of them says which photos belong together (``erf evaluate --group drive``), they are
    drawn together for all: frames of one drive are not independent.

    Args:
        paths: two or more files, see ``Evaluation.read``.
        level: of the intervals, between 0 and 1.

    Raises:
        DatasetError: if there are fewer than two, one cannot be read, they are of other photos,
            classes or groups, or the level is out of range.
    """
    if not 0 < level < 1:
        raise DatasetError(f"level {level} must lie between 0 and 1")
    if len(paths) < 2:
        raise DatasetError(f"{len(paths)} evaluation is compared with nothing: name another file")
    found = [Evaluation.read(path) for path in paths]
    for path, each in zip(paths, found, strict=True):
        _check_same(found[0], each, path)
    groups = {each.scores.groups for each in found} - {()}
    if len(groups) > 1:
        raise DatasetError("evaluations group photos differently: evaluate all by one --group")
    taken = [replace(each.scores, groups=next(iter(groups), ())) for each in found]
    rows = [
        _beside(each.title, scores, taken[0], level)
        for each, scores in zip(found, taken, strict=True)
    ]
    return EvaluationComparison(tuple(rows), level, f"{len(taken[0].units())} {taken[0].drawn}")


def _beside(
    title: str, scores: PhotoScores, first: PhotoScores, level: float
) -> ComparedEvaluation:
    enough = scores is not first and len(scores.units()) > 1
    difference = paired_difference(scores, first, level=level) if enough else None
    mean_iou = scores.total.mean_iou
    return ComparedEvaluation(title, mean_iou, scores.interval(level=level), difference)


def _check_same(first: Evaluation, each: Evaluation, path: object) -> None:
    for what in ("data", "split", "classes"):
        here, there = getattr(each, what), getattr(first, what)
        if here != there:
            raise DatasetError(f"{path}: is of other {what} than the first: {here}, not {there}")
    if each.scores.names != first.scores.names:
        here, there = len(each.scores.names), len(first.scores.names)
        raise DatasetError(
            f"{path}: is of other photos than the first ({here} and {there}): scores of different "
            "photos cannot be paired"
        )


def _parsed(plain: Any) -> Evaluation:
    if not isinstance(plain, dict):
        raise TypeError(f"it holds a {type(plain).__name__}")
    photos, classes = plain["photos"], tuple(str(each["name"]) for each in plain["classes"])
    if not photos or not classes:
        raise ValueError("it holds no photo or no class")
    names = tuple(str(photo["name"]) for photo in photos)
    groups = tuple(str(photo["group"]) for photo in photos if photo.get("group") is not None)
    if groups and len(groups) < len(names):
        raise ValueError("some photos have a group and some have none")
    return Evaluation(
        str(plain["checkpoint"]),
        str(plain["data"]),
        str(plain["split"]),
        classes,
        PhotoScores(
            names, _counted([photo["confusion"] for photo in photos], len(classes)), groups
        ),
    )


def _counted(confusions: list[Any], classes: int) -> np.ndarray:
    array = np.array(confusions)
    if array.shape[1:] != (classes, classes) or array.dtype.kind != "i":
        raise ValueError(f"a confusion is no table of {classes} by {classes} whole numbers")
    if array.min() < 0 or array.max() > LARGEST:
        raise ValueError("a confusion counts fewer than none, or more than there can be")
    if not array.any():
        raise ValueError("it counts no pixel")
    return array.astype(np.int64)


Cells = tuple[tuple[str, ...], list[tuple[str, ...]], list[str]]


def cells_of(found: EvaluationComparison) -> Cells:
    """Return a comparison as a table for a person: head, rows, notes."""
    head = ("checkpoint", "mean IoU", "difference", "p")
    notes = [
        f"{100 * found.level:g} % intervals over {found.units}, drawn together for all; "
        "differences from the first, paired; p by permutation"
        + (", of each alone" if len(found.rows) > 2 else "")
    ]
    if found.rows[0].interval is None:
        notes = [f"of {found.units} alone no interval and no test can be had"]
    return head, [_cells(row) for row in found.rows], notes


def _cells(row: ComparedEvaluation) -> tuple[str, ...]:
    score = f"{row.mean_iou:.4f}{said_interval(row.interval)}"
    if (each := row.difference) is None:
        return (row.title, score, "-", "-")
    said = f"{each.difference:+.4f}{said_interval((each.low, each.high))}"
    return (row.title, score, said, f"{each.p:.4f}")
