"""The whole training: samples in, updates made, reports and snapshots written, taken up again."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.data import DataLoader

from parsenet.errors import TrainingError
from parsenet.input_space import InputSpace
from parsenet.training.journal import TrainingJournal
from parsenet.training.learner import Learner
from parsenet.training.processes import ALONE, Processes
from parsenet.training.recipe import Recipe
from parsenet.training.sampling import Iterations
from parsenet.training.scoring import Scoring
from parsenet.training.snapshot import Snapshot, latest_snapshot, save_snapshot, snapshots
from parsenet.training.supply import Example, Labelled, Supply

JOURNAL = "metrics.jsonl"


@dataclass(frozen=True)
class Progress:
    """What one iteration, counted from 1, reports.

    Attributes:
        loss: before the update, of all images of the iteration.
        learning_rate: that the update was made with.
        seconds: that it took, all in all.
        waited: of these, the seconds spent waiting for data.
        images: images of the iteration, all processes together.
        scores: of the model after the update, by name; empty where it was not scored.
    """

    iteration: int
    loss: float
    learning_rate: float
    seconds: float
    waited: float
    images: int
    scores: Mapping[str, float] = field(default_factory=dict)

    def line(self) -> dict[str, Any]:
        """Return everything under one name each, for the journal."""
        values = asdict(self)
        scores: dict[str, float] = values.pop("scores")
        return values | scores


def train(
    model: nn.Module,
    data: Labelled,
    recipe: Recipe,
    *,
    input_space: InputSpace,
    class_weights: Float[Tensor, " classes"] | None = None,
    folder: Path | None = None,
    resume: bool = False,
    snapshot_every: int = 1000,
    keep: int = 2,
    scoring: Scoring | None = None,
    workers: int = 0,
    processes: Processes = ALONE,
) -> Iterator[Progress]:
    """Train a model in place, one iteration a step of the iterator.

    Between two steps the model may be looked at, also in evaluation mode; nothing that is drawn or
    computed meanwhile changes the training. Killed at any moment and resumed, it ends with the same
    weights: on a CPU, with as many threads, bit for bit.

    Args:
        model: see ``Learner``. Its initial weights are the caller's affair, also with several
            processes, which must all begin alike.
        data: images and labels; see ``Labelled``.
        recipe: what to do.
        input_space: how the model takes its images.
        class_weights: if the recipe weighs classes.
        folder: where ``metrics.jsonl`` and snapshots go, which all processes see; None: nowhere.
        resume: go on from the folder's last snapshot, or begin if there is none.
        snapshot_every: iterations between snapshots; one follows the last in any case.
        keep: snapshots to keep.
        scoring: what the model is scored on in between; it changes nothing else.
        workers: processes that load images; 0 loads them in between.
        processes: which process this is, of how many that train together.

    Raises:
        TrainingError: if it cannot be done as asked: see ``Learner``; if the folder holds snapshots
            and ``resume`` is not set, or those of another training.
    """
    if snapshot_every < 1:
        raise TrainingError(f"snapshot_every must be at least 1, is {snapshot_every}")
    learner = Learner(
        model,
        recipe,
        input_space=input_space,
        class_weights=class_weights,
        processes=processes,
    )
    supply = Supply.of(recipe, data, input_space)
    settings = _settings(recipe, supply)
    if folder is not None:
        _take_up(learner, folder, settings, resume)
    steps = _iterations(learner, supply, workers, scoring)
    if folder is None or not processes.first:
        return steps
    return _recorded(steps, learner, folder, settings, snapshot_every, keep)


def _recorded(
    steps: Iterator[Progress],
    learner: Learner,
    folder: Path,
    settings: dict[str, Any],
    snapshot_every: int,
    keep: int,
) -> Iterator[Progress]:
    """Train, writing a line for every iteration and a snapshot now and then."""
    with TrainingJournal(folder / JOURNAL, iteration=learner.iteration) as journal:
        for progress in steps:
            journal.write(progress.line())
            last = progress.iteration == learner.recipe.max_iter
            if last or progress.iteration % snapshot_every == 0:
                journal.flush()
                save_snapshot(learner.snapshot(settings), folder, keep=keep)
            yield progress


def _iterations(
    learner: Learner, supply: Supply, workers: int, scoring: Scoring | None
) -> Iterator[Progress]:
    device, images = learner.processes.device, learner.recipe.images
    loader: DataLoader[Example] = DataLoader(
        supply,
        batch_sampler=Iterations(learner.share, learner.iteration, learner.recipe.max_iter),
        num_workers=workers,
        collate_fn=list,
        pin_memory=device.type == "cuda",
        generator=torch.Generator(),  # or it would draw from the caller's
    )
    before = perf_counter()
    for batch in loader:
        waited = perf_counter() - before
        step = learner.step(batch)
        seconds = perf_counter() - before
        scores = _look(learner, supply, scoring)
        yield Progress(**vars(step), seconds=seconds, waited=waited, images=images, scores=scores)
        before = perf_counter()


def _look(learner: Learner, supply: Supply, scoring: Scoring | None) -> dict[str, float]:
    """Score the model if it is time for that; bring the processes together at the end."""
    iteration, last = learner.iteration, learner.recipe.max_iter
    due = scoring is not None and scoring.is_due(iteration, last=last)
    if due or iteration == last:
        learner.agree()
    return scoring.scores(learner.model, supply.input_space) if scoring is not None and due else {}


def _take_up(learner: Learner, folder: Path, settings: dict[str, Any], resume: bool) -> None:
    """Go on from the last snapshot of a folder, all processes from the same."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"{folder}: cannot be made: {error}") from error
    if not resume and snapshots(folder):
        raise TrainingError(f"{folder}: holds a training already; resume it, or name a new folder")
    snapshot = latest_snapshot(folder)
    if snapshot is not None:
        _refuse_other(snapshot, settings, folder)
        learner.restore(snapshot)
    # This also makes them all have read it before the first one writes the next.
    total = learner.processes.sum(learner.iteration)
    if total != learner.iteration * learner.processes.count:
        raise TrainingError(f"{folder}: not all processes find the same last snapshot in it")


def _refuse_other(snapshot: Snapshot, settings: dict[str, Any], folder: Path) -> None:
    for name, value in settings.items():
        before = snapshot.settings.get(name)
        if before != value:
            raise TrainingError(
                f"{folder}: its training has {name} {before!r}, not {value!r}: it cannot go on so"
            )


def _settings(recipe: Recipe, supply: Supply) -> dict[str, Any]:
    """Return, as JSON has it, what a resumed training must have in common with its beginning."""
    values = asdict(recipe) | {"images": supply.images, "input_space": asdict(supply.input_space)}
    del values["description"]
    settings: dict[str, Any] = json.loads(json.dumps(values))
    return settings
