"""What a study takes, known before it begins: tasks, forward passes, memory, disk, time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import torch

from erf.device import find_device
from erf.errors import PhotoError
from erf.geometry import PatchGrid, Target
from erf.memory import show_memory
from erf.photo import read_photo
from erf.probing.cost import cost_of
from erf.probing.draws import most_draws
from erf.settings import Disturbance
from erf.study.plan import INTERIOR, StudyMethod, StudyPlan
from erf.study.running import open_tasks
from erf.study.tasks import Task

REPEATS = 3
"""Clean passes that are timed; the first, which warms up, is not among them."""
BYTES_OF_PHOTO = 4 * 3 + 3
"""Of a pixel, in each result: the image in the model's input space, and as a person sees it."""


@dataclass(frozen=True)
class Forecast:
    """What is open, and what it takes.

    Attributes:
        tasks: a model, a method and a photo each.
        answers: layers and units' names in them.
        passes: disturbed images or gradients, at most.
        memory, disk: bytes, at most; of one worker, of all results before they are compressed.
        seconds: of one worker, from the cost of the first task's model; None where no task is open.
        model: whose cost that was.
    """

    tasks: int
    answers: int
    passes: int
    memory: int
    disk: int
    seconds: float | None
    model: str

    def lines(self) -> list[str]:
        """For a person."""
        lines = [
            f"tasks    {self.tasks:,} open ({self.answers:,} answers)",
            f"passes   at most {self.passes:,}",
            f"memory   at most {show_memory(self.memory)} a worker, besides the model",
            f"disk     at most {show_memory(self.disk)}",
        ]
        if self.seconds is None:
            return lines
        return [
            *lines,
            f"time     about {_show_time(self.seconds)} of one worker, if every model took as long "
            f"as {self.model} in whole passes; passing on the change alone takes less",
        ]


def forecast(plan: StudyPlan, root: str | Path, *, device: str | None = None) -> Forecast:
    """Look at what is open, and time the first task's model on its photo.

    Args:
        plan: of the study.
        root: its folder, which need not be there.
        device: as in `run_study`.

    Raises:
        PhotoError: when a photo is not there.
        SourceError: when the first model cannot be had.
    """
    tasks = open_tasks(plan, Path(root))
    passes = sum(each.passes for each in tasks)
    work = sum(each.length for each in tasks)
    seconds, model = None, ""
    timed = next((each for each in tasks if each.length), None)
    if timed is not None:
        seconds = work * _seconds_a_pixel(plan, timed, find_device(device))
        model = timed.model
    memory = max((_memory(plan, each) for each in tasks), default=0)
    answers = sum(len(each.questions) for each in tasks)
    disk = sum(_disk(plan, each) for each in tasks)
    return Forecast(len(tasks), answers, passes, memory, disk, seconds, model)


def _seconds_a_pixel(plan: StudyPlan, task: Task, device: torch.device) -> float:
    """What a pixel of an image costs that passes through a task's model."""
    (model,) = (each for each in plan.models if each.title == task.model)
    loaded = model.load(plan.image_size)
    loaded.model.to(device)
    try:
        photo = read_photo(task.photo.path, plan.image_size)
    except PhotoError:
        return 0.0
    image = loaded.input_space.tensor(photo.levels)[None].to(device)
    before = torch.get_num_threads()
    torch.set_num_threads(plan.threads)
    try:
        with torch.no_grad():
            loaded.model(image.clone())
            start = time.perf_counter()
            for _ in range(REPEATS):
                loaded.model(image.clone())
            return (time.perf_counter() - start) / REPEATS / (image.shape[2] * image.shape[3])
    finally:
        torch.set_num_threads(before)


def _units(task: Task) -> int:
    """Units in a task, a whole layer counting as one."""
    return sum(_count(each.unit) for each in task.questions)


def _count(unit: str) -> int:
    if unit == INTERIOR:
        return 9
    return int(unit.partition(":")[2]) ** 2 if unit.startswith("grid:") else 1


def _grid(method: StudyMethod, task: Task) -> tuple[PatchGrid, int] | None:
    settings = method.settings
    if task.photo.size is None:
        return None
    if not isinstance(settings, Disturbance):
        return PatchGrid(task.photo.size, 1, 1), settings.projections
    if settings.patch > min(task.photo.size):
        return None
    return PatchGrid(task.photo.size, settings.patch, settings.step), most_draws(settings.rule)


def _memory(plan: StudyPlan, task: Task) -> int:
    found = _grid(plan.methods[task.method], task)
    if found is None:
        return 0
    targets = [
        Target(each.layer, (0, 0)) for each in task.questions for _ in range(_count(each.unit))
    ]
    return cost_of(targets, [(1, 1)] * len(targets), *found, journal=True).memory


def _disk(plan: StudyPlan, task: Task) -> int:
    found = _grid(plan.methods[task.method], task)
    if found is None:
        return 0
    grid, draws = found
    return _units(task) * (8 * len(grid) * (draws + 2) + BYTES_OF_PHOTO * task.pixels)


def _show_time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
