"""How far a training is: a bar with loss, rate, images per second and time left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from parsenet.training.loop import Progress

# Of a new loss in the shown one, because single batches jump.
SHARE = 0.05
NUMBERS = (
    "loss {task.fields[loss]:.4g}  rate {task.fields[rate]:.1e}{task.fields[score]}  "
    "{task.fields[speed]:.1f} images/s  left"
)


@contextmanager
def training_bar(iterations: int, console: Console) -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows what an iteration reported; a quiet console shows nothing."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        BarColumn(bar_width=10),
        MofNCompleteColumn(),
        TextColumn(NUMBERS),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, disable=console.quiet) as bar:
        task = bar.add_task("", total=iterations, loss=0.0, rate=0.0, score="", speed=0.0)
        loss: float | None = None

        def show(step: Progress) -> None:
            nonlocal loss
            if loss is None:  # what an earlier start has done says nothing about the time left
                bar.reset(task, completed=step.iteration - 1)
            loss = step.loss if loss is None else (1 - SHARE) * loss + SHARE * step.loss
            speed = step.images / step.seconds
            bar.update(
                task, completed=step.iteration, loss=loss, rate=step.learning_rate, speed=speed
            )
            if "mean_iou" in step.scores:
                bar.update(task, score=f"  IoU {step.scores['mean_iou']:.3f}")

        yield show
