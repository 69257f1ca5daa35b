"""The whole training: samples in, updates made, reports and snapshots written, taken up again."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.data import DataLoader

from parsenet.atomic import make_folder
from parsenet.checkpoint import Description
from parsenet.errors import TrainingError
from parsenet.input_space import InputSpace
from parsenet.training.journal import JOURNAL, TrainingJournal
from parsenet.training.keeper import Keeper
from parsenet.training.learner import Learner
from parsenet.training.memory import keep_freed_memory
from parsenet.training.recipe import Recipe
from parsenet.training.sampling import Iterations
from parsenet.training.scoring import Scoring
from parsenet.training.settings import RunSettings
from parsenet.training.snapshot import Snapshot, latest_snapshot, snapshots
from parsenet.training.stopping import Stopped
from parsenet.training.supply import Example, Labelled, Supply


@dataclass(frozen=True, slots=True)
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
    run: RunSettings | None = None,
    on_step: Callable[[Progress], None] | None = None,
) -> list[Progress]:
    """Train a model in place, to the end of the recipe.

    Args:
        model, data, recipe, input_space, class_weights, folder, run: see ``training_steps``.
        on_step: told of each iteration; it may look at the model, as between two steps.

    Returns:
        What each iteration reported, those of an earlier start excepted.

    Raises:
        TrainingError: see ``training_steps``.
    """
    steps = training_steps(
        model,
        data,
        recipe,
        input_space=input_space,
        class_weights=class_weights,
        folder=folder,
        run=run,
    )
    reports = []
    for step in steps:
        reports.append(step)
        if on_step is not None:
            on_step(step)
    return reports


def training_steps(
    model: nn.Module,
    data: Labelled,
    recipe: Recipe,
    *,
    input_space: InputSpace,
    class_weights: Float[Tensor, " classes"] | None = None,
    folder: Path | None = None,
    run: RunSettings | None = None,
    description: Description | None = None,
) -> Iterator[Progress]:
    """Train a model in place, one iteration a step of the iterator: not iterated, not at all.

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
        run: how; None for one process on the CPU. See ``RunSettings``.
        description: of the network, which makes every snapshot a checkpoint.

    Raises:
        TrainingError: if it cannot be done as asked: see ``Learner``; if the folder holds snapshots
            and ``resume`` is not set, or those of another training.
        Stopped: when ``run.stop`` says so; a snapshot is written before.
    """
    run = run or RunSettings()
    if run.keep_freed_memory and run.processes.device.type == "cpu":
        keep_freed_memory()
    learner = Learner(
        model,
        recipe,
        input_space=input_space,
        class_weights=class_weights,
        processes=run.processes,
    )
    supply = Supply.of(recipe, data, input_space)
    settings = _settings(recipe, supply)
    if folder is not None:
        _take_up(learner, folder, settings, run.resume)
    steps = _iterations(learner, supply, run)
    if folder is None or not run.processes.first:
        return steps
    return _recorded(steps, Keeper(learner, folder, settings, description, run))


def _recorded(steps: Iterator[Progress], keeper: Keeper) -> Iterator[Progress]:
    """Train, writing a line for every iteration and a snapshot now and then."""
    with TrainingJournal(keeper.folder / JOURNAL, iteration=keeper.learner.iteration) as journal:
        try:
            for progress in steps:
                journal.write(progress.line())
                if keeper.is_due():
                    journal.flush()
                    keeper.save()
                keeper.compare(progress.scores)
                yield progress
        except Stopped:
            journal.flush()
            keeper.save()
            raise


def _iterations(learner: Learner, supply: Supply, run: RunSettings) -> Iterator[Progress]:
    device, images = learner.processes.device, learner.recipe.images
    loader: DataLoader[Example] = DataLoader(
        supply,
        batch_sampler=Iterations(learner.share, learner.iteration, learner.recipe.max_iter),
        num_workers=run.workers or 0,
        collate_fn=list,
        pin_memory=device.type == "cuda",
        generator=torch.Generator(),  # or it would draw from the caller's
    )
    before = perf_counter()
    for batch in _heeding(loader, run):
        waited = perf_counter() - before
        step = learner.step(batch)
        seconds = perf_counter() - before
        scores = _look(learner, supply, run.scoring)
        yield Progress(**vars(step), seconds=seconds, waited=waited, images=images, scores=scores)
        if step.iteration < learner.recipe.max_iter and run.is_stopping():
            raise Stopped
        before = perf_counter()


def _heeding(loader: DataLoader[Example], run: RunSettings) -> Iterator[list[Example]]:
    """Yield what is loaded; a worker that has heard the wish to stop before us is no error."""
    try:
        yield from loader
    except RuntimeError as error:
        if run.stop is not None and run.stop() and "DataLoader worker" in str(error):
            raise Stopped from error
        raise


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
        make_folder(folder)
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
    if not values["layer_rates"]:  # of before there were any
        del values["layer_rates"]
    settings: dict[str, Any] = json.loads(json.dumps(values))
    return settings
