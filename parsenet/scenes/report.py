"""Scores on generated scenes, as tables for people."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from parsenet.scenes.hearing import SceneScores


def print_scores(scores: SceneScores, console: Console) -> None:
    """Print the scores per class and by cue distance."""
    from rich import box
    from rich.table import Table

    from parsenet.scenes.spec import CLASSES

    classes = Table("class", box=box.SIMPLE_HEAD, title=f"IoU on {scores.scenes} unseen scenes")
    classes.add_column("IoU", justify="right")
    for name, iou in zip(CLASSES, scores.whole.iou, strict=True):
        classes.add_row(name, _number(iou))
    classes.add_section()
    classes.add_row("mean", _number(scores.whole.mean_iou), style="bold")
    console.print(classes)
    bands = Table("cue at, px", box=box.SIMPLE_HEAD, title="Objects by distance to their cue")
    for title in ("objects", "mean IoU", "cue right"):
        bands.add_column(title, justify="right")
    for band in scores.bands:
        reach = f"{band.near:.0f} on" if band.far > 1e9 else f"{band.near:.0f} to {band.far:.0f}"
        row = str(band.objects), _number(band.mean_iou), _number(band.cue_accuracy)
        bands.add_row(reach, *row)
    console.print(bands)
    console.print("cue right: share of the pixels of the right shape; guessing gives 0.5")


def _number(score: float) -> str:
    return "-" if isnan(score) else f"{score:.3f}"
