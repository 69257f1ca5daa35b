"""A whole training in a folder of its own, in one call: begun or taken up again, and ended."""

import os
from collections.abc import Callable, Iterator, Sized
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from parsenet.evaluation import check_classes
from parsenet.freezing import kept_features
from parsenet.input_space import InputSpace
from parsenet.training.configuration import CONFIG, check_folder, read_config, write_config
from parsenet.training.experiment import Experiment, Prepared, prepare
from parsenet.training.journal import JOURNAL
from parsenet.training.loop import Progress, training_steps
from parsenet.training.settings import RunSettings
from parsenet.training.snapshot import snapshots
from parsenet.training.stopping import asked_to_stop
from parsenet.training.trained import Trained, describe, describe_trained, save_trained
from parsenet.training.usual import usual_workers

FEATURES = "features"
Look = Callable[[nn.Module, InputSpace, int], None]


def train_into(
    folder: str | os.PathLike[str],
    experiment: Experiment | None = None,
    *,
    run: RunSettings | None = None,
    prepared: Prepared | None = None,
    look: Look | None = None,
    on_step: Callable[[Progress], None] | None = None,
    command: str = "",
) -> Trained:
    """Train an experiment to its end in a folder: configuration, journal, snapshots, checkpoint.

    Interrupted or killed, the same call goes on where the last snapshot was, to the same weights.
    Asked to stop by Ctrl-C or SIGTERM, it ends its iteration and leaves a snapshot. Every snapshot
    is a checkpoint. Several processes make the call together; the first one writes.

    Args:
        folder: new, empty, or of the same experiment.
        experiment: what is trained; None for what the folder's configuration says.
        run: how, see ``RunSettings``; None for what is usual.
        prepared: what ``prepare`` made of the experiment, if that was called already.
        look: given the model, its input space and the iteration, by the first process: before the
            first iteration (0) and after each. What it does to the model's modes and draws does not
            change the training.
        on_step: told of each iteration.
        command: that repeats the training, for the checkpoint's description.

    Raises:
        ParseNetError: if anything in the experiment does not exist or does not fit, before anything
            is written.
        TrainingError: if the folder holds something else or a training that has ended.
        Stopped: a KeyboardInterrupt, after the snapshot is written.

    Example:
        >>> import parsenet
        >>> recipe = parsenet.named_recipe("scenes").override(max_iter=300)
        >>> experiment = parsenet.usual_experiment(recipe=recipe)
        >>> trained = train_into("runs/late", experiment)    # doctest: +SKIP
        >>> trained.path, trained.scores.whole.mean_iou      # doctest: +SKIP
    """
    folder = Path(folder)
    experiment = read_config(folder) if experiment is None else experiment
    run = _completed(run or RunSettings())
    check_folder(folder, experiment)
    prepared = prepare(experiment) if prepared is None else prepared
    if run.scoring is not None:
        check_classes(prepared.classes, run.scoring.images)
    begun = bool(snapshots(folder))
    run.processes.sum(0.0)  # none writes before all have looked at the folder
    with _cleared(folder, run.processes.first):
        course = _Course(folder, experiment, prepared, run, look, on_step, command, begun)
        return course.train()


@dataclass(frozen=True, eq=False)
class _Course:
    """A training on its way: what was asked of ``train_into``, and what came of asking.

    ``begun`` says whether the folder had a snapshot of it before.
    """

    folder: Path
    experiment: Experiment
    prepared: Prepared
    run: RunSettings
    look: Look | None
    on_step: Callable[[Progress], None] | None
    command: str
    begun: bool

    def train(self) -> Trained:
        """Train to the end, and describe what is there then."""
        first = self.run.processes.first
        if first:
            write_config(self.experiment, self.folder)
        with asked_to_stop() as wished, self._kept():
            self._step(self.run if self.run.stop is not None else replace(self.run, stop=wished))
        end = save_trained if first else describe_trained
        trained = end(self.experiment, self.prepared, self.folder, command=self.command)
        self.run.processes.sum(0.0)  # the checkpoint is there when any of them returns
        return trained

    def _step(self, run: RunSettings) -> None:
        prepared = self.prepared
        steps = training_steps(
            prepared.model,
            prepared.data,
            self.experiment.recipe,
            input_space=prepared.input_space,
            class_weights=prepared.class_weights,
            folder=self.folder,
            run=run,
            description=describe(self.experiment, prepared, command=self.command),
        )
        looking = self.look if run.processes.first else None
        if looking is not None and not self.begun:
            looking(prepared.model, prepared.input_space, 0)
        for step in steps:
            if looking is not None:
                looking(prepared.model, prepared.input_space, step.iteration)
            if self.on_step is not None:
                self.on_step(step)

    def _kept(self) -> AbstractContextManager[None]:
        """Keep the features of a frozen trunk, where the same images come again and again."""
        recipe, data = self.experiment.recipe, self.prepared.data
        again = not recipe.crop and recipe.scales == (1.0, 1.0) and isinstance(data, Sized)
        if not self.experiment.freeze or not again:
            return nullcontext()
        return kept_features(self.prepared.model, self.run.features or self.folder / FEATURES)


@contextmanager
def _cleared(folder: Path, first: bool) -> Iterator[None]:
    """Leave nothing of a training that is refused before its first snapshot: no name is taken."""
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    new = not folder.exists() or not any(folder.iterdir())
    try:
        yield
    except Exception:
        if first and new and folder.is_dir() and not snapshots(folder):
            for name in (CONFIG, JOURNAL):
                (folder / name).unlink(missing_ok=True)
            with suppress(OSError):  # what was found meanwhile, such as probes, stays
                for each in made:
                    each.rmdir()
        raise


def _completed(run: RunSettings) -> RunSettings:
    workers = usual_workers(run.processes.device) if run.workers is None else run.workers
    return replace(run, resume=True, workers=workers)
