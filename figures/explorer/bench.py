"""The worker's work: one step of one question at a time, whoever asked it.

A question is answered by a generator, which pauses between batches of patches. The bench takes
turns between the sides of all tabs; a new question of a side ends the one before it there, which so
costs at most the batch in hand. Nothing here knows of threads, processes or pages.
"""

from __future__ import annotations

import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from erf.errors import ErfError, ExportError, LayerError
from erf.geometry import PatchGrid
from erf.measures import measure
from erf.model import stages
from erf.probing import Asked, Growth, differentiate, foresee, reach
from erf.results import UnitResult
from erf.settings import Disturbance, Gradient, Settings
from erf.subject import Subject
from figures.caption import theory_note
from figures.explorer.keeping import keep
from figures.explorer.messages import (
    Ask,
    Foreseen,
    Grown,
    Keep,
    Leave,
    Opened,
    Place,
    Reached,
    Ready,
    Refused,
    Report,
    Request,
    Responded,
    Stop,
)
from figures.explorer.order import Order, key_of
from figures.explorer.question import Question

SUBJECTS = 4
"""Models on images that are kept prepared."""

Side = tuple[int, int]
"""Number of the tab, 0 or 1."""


class Bench:
    """Answers questions, a step at a time.

    Args:
        order: what is explored.
        publish: takes the answers.

    Raises:
        ErfError: when the order cannot be opened.
    """

    def __init__(self, order: Order, publish: Callable[[Report], None]) -> None:
        self.order, self.publish = order, publish
        self._specimens = order.open()
        self._subjects: OrderedDict[tuple[int, str], Subject] = OrderedDict()
        self._jobs: OrderedDict[Side, tuple[Place, Iterator[None]]] = OrderedDict()
        self._grown: dict[Side, tuple[object, Growth]] = {}
        self._shown: dict[Side, tuple[int, str]] = {}
        self._results: dict[Side, UnitResult] = {}
        found = self._specimens
        publish(Ready(found.names, found.notes, found.sigma, found.sigma_unit, found.drops))

    @property
    def busy(self) -> bool:
        """Whether there is something to do."""
        return bool(self._jobs)

    def take(self, request: Request) -> None:
        """Note what is wanted; only `step` works."""
        if isinstance(request, Ask):
            side = (request.place.tab, request.place.side)
            self._end(side)
            self._jobs[side] = request.place, self._answer(request)
        elif isinstance(request, Keep):
            tab = request.place.tab
            self._jobs[tab, -1] = request.place, self._keep(request)
        elif isinstance(request, Stop):
            self._forget((request.tab, request.side))
        elif isinstance(request, Leave):
            for side in [each for each in (*self._shown, *self._jobs) if each[0] == request.tab]:
                self._forget(side)

    def step(self) -> None:
        """Go on with the side whose turn it is."""
        side, (place, job) = self._jobs.popitem(last=False)
        try:
            next(job)
        except StopIteration:
            return
        except ErfError as error:
            self.publish(Refused(place, str(error)))
        except Exception as error:  # whatever a model or a library raises: the next may do better
            traceback.print_exception(error)
            words = " ".join(str(error).split())[:300]
            self.publish(Refused(place, f"{type(error).__name__}: {words}"))
        else:
            self._jobs[side] = place, job

    def _end(self, side: Side) -> None:
        _, job = self._jobs.pop(side, (None, None))
        if job is not None:
            job.close()  # type: ignore[attr-defined]  # a generator

    def _forget(self, side: Side) -> None:
        self._end(side)
        for kept in (self._grown, self._shown, self._results):
            kept.pop(side, None)

    def _answer(self, ask: Ask) -> Iterator[None]:
        """All that is shown of a question, in the order in which it is known."""
        place, question = ask.place, ask.question
        side = (place.tab, place.side)
        subject, key = self._subject(question.model, ask)
        if self._shown.get(side) != key:
            self._open(place, subject)
            self._shown[side] = key
        yield
        layer = question.layer or first_layer(subject, self.order.layer)
        sigma = self._specimens.sigma_of(question.model, question.manner.sigma)
        settings = question.manner.settings(sigma)
        asked = Asked(layer, question.unit or "center", question.channel)
        unit = self._respond(place, subject, asked, settings)
        yield
        asked = replace(asked, unit=unit)
        same = (key, asked, replace(question.manner, draws=1, criterion="mass"))
        if isinstance(settings, Gradient):
            yield from self._differentiate(place, subject, asked, settings, question)
            return
        if question.patch is not None:
            for draws, field in enumerate(reach(subject, asked, settings, question.patch), start=1):
                self.publish(Reached(place, question.patch, field, draws))
                yield
        yield from self._grow(place, subject, asked, settings, question, same)

    def _subject(self, model: int, ask: Ask) -> tuple[Subject, tuple[int, str]]:
        """The model on the image, prepared; a few are kept."""
        key = (model, key_of(ask.image))
        if key not in self._subjects:
            self._subjects[key] = self._specimens.subject(model, ask.image)
        self._subjects.move_to_end(key)
        while len(self._subjects) > SUBJECTS:
            self._subjects.popitem(last=False)
        return self._subjects[key], key

    def _open(self, place: Place, subject: Subject) -> None:
        layers = subject.layers()
        shown = levels_of(subject)
        names = tuple(layer.name for layer in stages(layers))
        name = subject.image_name or "image"
        self.publish(Opened(place, shown, name, tuple(layers), names))

    def _respond(
        self, place: Place, subject: Subject, asked: Asked, settings: Settings
    ) -> tuple[int, int]:
        """Show the layer's clean response and the theoretical field; return the unit."""
        from erf.probing.passes import watch

        (watched,) = watch(subject, [asked])
        unit = watched.target.unit
        assert unit is not None
        try:
            theory = subject.find_theory(asked.layer)
        except (ExportError, LayerError):
            theory = None
        found = None if theory is None else theory.unit(unit)
        box = None if found is None or found.status == "unknown" else found.box
        activation = watched.activation.cpu().float().numpy()
        grid = PatchGrid(subject.image_size, settings.patch, settings.step)
        words = theory_note(found, subject.image_size)
        self.publish(Responded(place, asked.layer, unit, activation, box, words, grid))
        return unit

    def _differentiate(
        self,
        place: Place,
        subject: Subject,
        asked: Asked,
        settings: Gradient,
        question: Question,
    ) -> Iterator[None]:
        """One result, not one a draw: all projections are one backward pass each."""
        self._show(place, differentiate(subject, asked, settings), question, settings.projections)
        yield

    def _grow(
        self,
        place: Place,
        subject: Subject,
        asked: Asked,
        settings: Disturbance,
        question: Question,
        same: object,
    ) -> Iterator[None]:
        """A look, then draw after draw; what this side has of the same probe is gone on with."""
        side, wanted = (place.tab, place.side), question.manner.draws
        known = self._grown.get(side)
        if known is not None and known[0] == same:
            growth = known[1]
            if growth.taken:
                self._show(place, growth.result(), question, wanted)
                yield
        else:
            self._grown.pop(side, None)
            self._foresee(place, subject, asked, settings)
            yield
            growth = Growth(subject, asked, settings)
            self._grown[side] = same, growth
        while growth.taken < wanted:
            yield from growth.draw()
            self._show(place, growth.result(), question, wanted)
            yield

    def _foresee(self, place: Place, subject: Subject, asked: Asked, settings: Disturbance) -> None:
        """A look by gradient; none of a model that has no gradient there."""
        try:
            field = foresee(subject, asked, settings)
        except (ErfError, RuntimeError):  # no derivative, or none that autograd can take
            return
        self.publish(Foreseen(place, field, settings.patch, settings.step))

    def _show(self, place: Place, result: object, question: Question, wanted: int) -> None:
        assert isinstance(result, UnitResult)
        found = measure(result, criterion=question.manner.criterion)
        self._results[place.tab, place.side] = result
        self.publish(Grown(place, result, found, wanted))

    def _keep(self, request: Keep) -> Iterator[None]:
        sides = [(request.place.tab, side) for side in range(request.sides)]
        results = [self._results[side] for side in sides if side in self._results]
        self.publish(keep(request.place, request.what, results, self.order.out))
        yield


def first_layer(subject: Subject, wanted: str | None) -> str:
    """The layer to begin with: the one asked for, ``fc7``, or the last stage.

    Raises:
        LayerError: when the model has no layer that is a map.
    """
    if wanted is not None:
        return wanted
    found = subject.layers()
    if any(layer.name == "fc7" for layer in found):
        return "fc7"
    chosen = stages(found) or found
    if not chosen:
        raise LayerError("the model has no layer whose output is a map")
    return chosen[-1].name


def levels_of(subject: Subject) -> np.ndarray:
    """The image as a person sees it."""
    from figures.photo import seen

    photo = subject.photo
    return seen(subject.image.cpu().float().numpy(), None if photo is None else photo.levels)
