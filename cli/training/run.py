"""A training in a folder: begun or taken up again, looked at on the way, its outcome saved."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cli.training.experiment import CONFIG

if TYPE_CHECKING:
    import torch

    from cli.training.growth import GrowthProbe
    from parsenet.training import Experiment, Prepared, Processes, Progress
    from parsenet.training.scoring import Scoring

# A twentieth of a training, though never more than this many iterations, is lost at worst.
TWENTIETH, MOST = 20, 500
MOST_WORKERS = 2


@dataclass(frozen=True, eq=False)
class TrainingRun:
    """What is trained, where it is written, and what is looked at on the way.

    Attributes:
        experiment, prepared: what is trained.
        folder: gets configuration, journal, snapshots and probes.
        processes: which process this is, of how many.
        workers: processes that load images; None for ``usual_workers``.
        snapshot_every: iterations; None for ``usual_distance``.
        keep: snapshots to keep.
        scoring: scores in between, if there are to be any.
        growth: probes in between, if there are to be any; of the first process alone.
    """

    experiment: Experiment
    prepared: Prepared
    folder: Path
    processes: Processes
    workers: int | None
    snapshot_every: int | None
    keep: int
    scoring: Scoring | None
    growth: GrowthProbe | None

    def steps(self) -> Iterator[Progress]:
        """Train, going on from the folder's last snapshot if it has one."""
        from parsenet.training import train

        if self.processes.first:
            write_config(self.experiment, self.folder)
        steps = train(
            self.prepared.model,
            self.prepared.data,
            self.experiment.recipe,
            input_space=self.prepared.input_space,
            class_weights=self.prepared.class_weights,
            folder=self.folder,
            resume=True,
            snapshot_every=self.snapshot_every or usual_distance(self.experiment.recipe.max_iter),
            keep=self.keep,
            scoring=self.scoring,
            workers=self._workers(),
            processes=self.processes,
        )
        self._look(0)
        for step in steps:
            self._look(step.iteration)
            yield step

    def _workers(self) -> int:
        return usual_workers(self.processes.device) if self.workers is None else self.workers

    def _look(self, iteration: int) -> None:
        if self.growth is not None:
            self.growth.look(self.prepared.model, self.prepared.input_space, iteration)


def usual_distance(iterations: int) -> int:
    """Return how many iterations lie between the snapshots of a training by default."""
    return max(1, min(MOST, iterations // TWENTIETH))


def usual_workers(device: torch.device) -> int:
    """Return how many processes load images by default, for each process that trains.

    Two, where as many cores are left; one keeps up with scenes, and photos cost less still. On a
    machine of two cores, both training, a worker delays more than it saves: while it has a core,
    the thread on the other one waits (``python -m benchmarks.training_speed``).
    """
    import torch

    busy = min(2, torch.get_num_threads()) if device.type == "cpu" else 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    share = (cores or 1) // int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    return max(0, min(MOST_WORKERS, share - busy))


def write_config(experiment: Experiment, folder: Path) -> None:
    """Write what repeats the training; killed meanwhile, it leaves no half of it."""
    folder.mkdir(parents=True, exist_ok=True)
    writing = folder / f"{CONFIG}.writing"
    writing.write_text(experiment.to_toml(), "utf-8")
    writing.replace(folder / CONFIG)
