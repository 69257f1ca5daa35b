"""One task: a model on a photo, all its questions in one pass, its results into the tree."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from erf.errors import StoreError, UnitError
from erf.geometry import UnitName, parse_unit, spread_units
from erf.photo import read_photo
from erf.probing import Asked, differentiate, run, run_shares
from erf.results import LayerResult, UnitResult
from erf.results.group import attributes_of, write_group
from erf.results.store import write_result
from erf.settings import Disturbance, Settings
from erf.sources import LoadedModel
from erf.study.plan import INTERIOR, StudyPlan, is_spread, safe_name
from erf.study.tasks import Question, Task
from erf.study.tree import WORK, find_places, publish
from erf.subject import Subject

Result = UnitResult | LayerResult
SIDE = 3
"""Of the grid of interior units."""


@dataclass(frozen=True, eq=False)
class Bench:
    """A model that is loaded, for one task after the other.

    Attributes:
        plan: of the study.
        loaded: the model, on its device.
        root: of the tree.
        engine: of this model, where the plan names one.
    """

    plan: StudyPlan
    loaded: LoadedModel
    root: Path
    engine: str | None = None

    @classmethod
    def of(cls, plan: StudyPlan, title: str, root: Path, device: torch.device) -> Bench:
        """Load a model and hold it to the results that are there under its name.

        Raises:
            SourceError: when it cannot be had.
            StoreError: when its weights are others than when it was measured.
        """
        (model,) = (each for each in plan.models if each.title == title)
        loaded = model.load(plan.image_size)
        loaded.model.to(device)
        _refuse_other_weights(loaded, root / safe_name(title))
        return cls(plan, loaded, root, model.engine)

    def measure(
        self,
        task: Task,
        former: Subject | None,
        parts: Iterator[int],
        is_last: Callable[[], bool] = lambda: True,
    ) -> tuple[Subject, bool]:
        """Answer a task's questions, and put the results into the tree once all parts are measured.

        Args:
            task: of this model.
            former: the last task's subject, whose export is shared.
            parts: of the task, that are measured here.
            is_last: called after each of several parts: whether it was the last of them all.

        Returns:
            The subject, for the next task, and whether the results are in the tree now.

        Raises:
            PhotoError: when the photo cannot be read.
            ErfError: when the model, a layer or a unit cannot be asked.
        """
        photo = read_photo(task.photo.path, self.plan.image_size)
        subject = self.loaded.subject(photo, former)
        method, space = self.plan.methods[task.method], self.loaded.input_space
        settings = method.on(space, task.photo.index, self.engine)
        asked = {each: self._targets(subject, each) for each in task.questions}
        units = [each for some in asked.values() for each in some]
        journal = self.root / WORK / journal_name(task)
        if task.parts == 1:
            found = _ask(subject, units, settings, journal)
        else:
            shares = map(task.blocks_of, parts)
            found = _ask_shares(subject, units, settings, journal, shares, is_last)
        if found is None:
            return subject, False
        results = iter(found)
        with publish(self.root, task.path) as folder:
            for question, targets in asked.items():
                own = [self._marked(next(results), task, question, settings) for _ in targets]
                _write(own, question, folder)
        shutil.rmtree(journal, ignore_errors=True)
        return subject, True

    def _targets(self, subject: Subject, question: Question) -> list[Asked]:
        """The units that a question's name means on this photo."""
        layer, unit, channel = question.layer, question.unit, self.plan.channel
        if not is_spread(unit):
            return [Asked(layer, parse_unit(unit), channel)]
        return [Asked(layer, each, channel) for each in _spread(subject, layer, unit)]

    def _marked(self, result: Result, task: Task, question: Question, settings: Settings) -> Result:
        """The result with its place in the study, and what tells it from any other."""
        decides = {
            "weights": result.origin["model"]["weights_sha256"],
            "photo": task.photo.sha256,
            "image_size": self.plan.image_size,
            "layer": question.layer,
            "unit": question.unit,
            "channel": self.plan.channel,
            "settings": settings.to_json(),
        }
        text = json.dumps(decides, sort_keys=True)
        axes = {
            "model": task.model,
            "method": task.method,
            "unit": question.unit,
            "photo": task.photo.label,
            "threads": self.plan.threads,
            "identity": hashlib.sha256(text.encode()).hexdigest(),
        }
        return replace(result, origin={**result.origin, "study": axes})


def journal_name(task: Task) -> str:
    """Of a task's journal, in the folder of unfinished work."""
    return f"{task.key}.journal"


def _ask(
    subject: Subject, asked: Sequence[Asked], settings: Settings, journal: Path
) -> Sequence[Result] | None:
    if isinstance(settings, Disturbance):
        return run(subject, asked, settings, journal=journal)
    return [differentiate(subject, each, settings) for each in asked]


def _ask_shares(
    subject: Subject,
    asked: Sequence[Asked],
    settings: Settings,
    journal: Path,
    shares: Iterator[range],
    is_last: Callable[[], bool],
) -> Sequence[Result] | None:
    assert isinstance(settings, Disturbance)
    return run_shares(subject, asked, settings, journal=journal, shares=shares, is_last=is_last)


def _spread(subject: Subject, layer: str, unit: str) -> Sequence[UnitName]:
    """The units of a grid, over the whole layer or over its interior.

    Raises:
        UnitError: when no unit is interior, or that is not known.
    """
    response = subject.observe([layer])[layer]
    if unit != INTERIOR:
        return spread_units(unit, (response.shape[1], response.shape[2]), layer)
    theory = subject.theory(layer)
    inside = theory.interior() if theory.border_known else []
    if not inside:
        height, width = subject.image_size
        raise UnitError(
            f"no unit of {layer!r} has its whole theoretical field inside the {height}x{width} "
            "image"
        )
    rows, cols = (_evenly(sorted({each[axis] for each in inside})) for axis in (0, 1))
    return [(row, col) for row in rows for col in cols]


def _evenly(places: Sequence[int]) -> list[int]:
    """Up to ``SIDE`` of them, as `spread_units` spreads a grid."""
    number = min(SIDE, len(places))
    return [places[(2 * index + 1) * len(places) // (2 * number)] for index in range(number)]


def _write(results: Sequence[Result], question: Question, folder: Path) -> None:
    """Results of one question: one as it is, several in a group, by their positions."""
    layer, place = folder / safe_name(question.layer), folder / question.path
    place.mkdir(parents=True)
    if attributes_of(layer) is None:
        write_group(layer)
    if not is_spread(question.unit):
        write_result(results[0], place)
        return
    write_group(place)
    for each in results:
        assert isinstance(each, UnitResult)
        own = place / "{},{}".format(*each.unit)
        own.mkdir()
        write_result(each, own)


def _refuse_other_weights(loaded: LoadedModel, place: Path) -> None:
    """Refuse a model that is another one than when it was measured under this name.

    Raises:
        StoreError: naming both.
    """
    known = origin_of(find_first(place)) if place.is_dir() else {}
    before = known.get("model", {}).get("weights_sha256")
    if before is not None and before != loaded.weights_sha256:
        raise StoreError(
            f"{place}: was measured with other weights ({before[:8]}) than {loaded.name} has now "
            f"({loaded.weights_sha256[:8]}): give it another name, or name a new folder"
        )


def find_first(place: Path) -> Path | None:
    """A result below a place."""
    return next(iter(find_places(place)), None)


def origin_of(place: Path | None) -> Mapping[str, Any]:
    """Where a result comes from, read from its attributes alone."""
    found = None if place is None else attributes_of(place)
    return {} if found is None else json.loads(found["origin"])
