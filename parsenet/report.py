"""Scores on a data set, as a table for people."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import TYPE_CHECKING

from parsenet.photo_scores import said_interval

if TYPE_CHECKING:
    from parsenet.assessment import Assessment
    from parsenet.datasets import LabelledImages
    from parsenet.scores import Scores


def print_assessment(found: Assessment, dataset: LabelledImages, known: Sequence[str] = ()) -> None:
    """Print the table of scores, how sure the mean IoU is, and what it is beside.

    ``known`` are the model's own names of the classes.
    """
    scores, drawn = found.scores, f"{len(found.scores.units())} {found.scores.drawn}"
    print_scores(scores.total, dataset, len(scores.names))
    if (ends := scores.interval()) is not None:
        print(f"mean IoU {scores.total.mean_iou:.4f}{said_interval(ends)}, 95 % over {drawn}")
    if found.beside is not None:
        _print_beside(found)
    if known and (note := other_names(known, dataset)):
        print(f"note: {note}")


def _print_beside(found: Assessment) -> None:
    assert found.beside is not None
    ends = found.beside.interval()
    print(f"{found.title}: mean IoU {found.beside.total.mean_iou:.4f}{said_interval(ends)}")
    if (each := found.difference) is not None:
        interval = said_interval((each.low, each.high))
        print(
            f"difference {each.difference:+.4f}{interval}, paired by "
            f"{found.scores.drawn[:-1]}; p = {each.p:.4f} by permutation"
        )


def print_scores(scores: Scores, dataset: LabelledImages, images: int) -> None:
    """Print a row for each class, and the four scores of FCN's table."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(markup=False)
    title = f"{dataset.title} {dataset.split}, {images} image{'s' if images > 1 else ''}"
    table = Table("class", box=box.SIMPLE_HEAD, title=title)
    for column in ("pixels", "accuracy", "IoU"):
        table.add_column(column, justify="right")
    total = max(1, int(scores.truth.sum()))
    rows = zip(dataset.classes, scores.truth, scores.accuracy, scores.iou, strict=True)
    for name, pixels, accuracy, iou in rows:
        table.add_row(name, f"{pixels / total:.1%}", _number(accuracy), _number(iou))
    table.add_section()
    table.add_row("mean", "", _number(scores.mean_accuracy), _number(scores.mean_iou), style="bold")
    console.print(table)
    console.print(f"pixel accuracy          {_number(scores.pixel_accuracy)}")
    console.print(f"frequency-weighted IoU  {_number(scores.weighted_iou)}")
    if absent := int((scores.truth == 0).sum()):
        console.print(
            f"{absent} of {len(dataset.classes)} classes do not occur in the labels; the means "
            "leave them out",
            highlight=False,
        )
        called = _number(scores.mean_iou_called)
        console.print(f"mean IoU {called} if those called count as 0, as in FCN's script")


def _number(score: float) -> str:
    return "-" if isnan(score) else f"{score:.4f}"


def other_names(known: Sequence[str], dataset: LabelledImages) -> str:
    """Say when the model's classes bear other names: equal in number, they may be others."""
    pairs = zip(known, dataset.classes, strict=True)
    other = [(mine, theirs) for mine, theirs in pairs if mine != theirs]
    if not other:
        return ""
    mine, theirs = other[0]
    return f"{len(other)} of the model's classes bear other names, first {mine!r} for {theirs!r}"
