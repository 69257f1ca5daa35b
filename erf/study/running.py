"""Running a study: what is missing is measured, by one worker or by many."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from threading import Event, Thread

import torch

from erf.device import find_device
from erf.errors import ErfError, PhotoError, StoreError
from erf.progress import progress_bar
from erf.study.folder import holding
from erf.study.measuring import Bench, journal_name
from erf.study.plan import StudyPlan
from erf.study.record import check_growth, describe_plan
from erf.study.tasks import Task, Ticket, cut_long, photos_of, plan_tasks
from erf.study.team import Team
from erf.study.tree import (
    begin_anew,
    find_places,
    note,
    notes,
    read_root,
    tidy,
    write_root,
)
from erf.subject import Subject

DONE, ENDED = "done", "ended"
"""Counters of tasks, and of workers that found nothing more to do."""


@dataclass(frozen=True)
class Outcome:
    """What became of a study's tasks.

    Attributes:
        done: tasks measured now, by all workers.
        failed: notes on those that were left out or failed.
    """

    done: int
    failed: tuple[dict[str, str], ...]


def run_study(
    plan: StudyPlan,
    root: str | Path,
    *,
    skip_bad: bool = False,
    device: str | None = None,
    progress: bool = False,
) -> Outcome:
    """Measure what a study's folder does not hold yet.

    Under ``torchrun`` the workers share the tasks; alone, this process does them all. Either way,
    and after whatever interruption, the results are the same to the last bit.

    Args:
        plan: of the study.
        root: a new or empty folder, or one that holds this study or a part of it.
        skip_bad: whether to go on without photos that cannot be read.
        device: name of one; by default a GPU if there is one, each worker's own.
        progress: show one bar for all workers, on standard error.

    Raises:
        StoreError: when the folder holds something else, or results by other settings, when
            another process is at work there, or when tasks of a lost worker are left.
        PhotoError: when a photo cannot be read and bad ones are not skipped.
        ErfError: when every task failed; then nothing is left.

    Example:
        >>> import tempfile, torch, erf
        >>> from matplotlib import cbook
        >>> from erf.study import StudyMethod, StudyModel, StudyPlan
        >>> net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 5, padding=2), torch.nn.ReLU()).eval()
        >>> space = erf.InputSpace((127.5,) * 3, (127.5,) * 3)
        >>> tiny = StudyModel(erf.LoadedModel(net, "tiny", space, random=True))
        >>> photo = Path(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
        >>> noise = {"noise": StudyMethod(erf.Noise(patch=8, draws=2))}
        >>> plan = StudyPlan((tiny,), (photo,), ("0", "1"), methods=noise, image_size=(32, 32))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     outcome = run_study(plan, folder)
        ...     [(each.model, each.layer, each.unit) for each in erf.open(folder)]
        [('tiny', '0', 'center'), ('tiny', '1', 'center')]
    """
    root, team = Path(root), Team.of_torchrun()
    with ExitStack() as held:
        if team.leads:
            held.enter_context(holding(root))
        tasks = _agreed(plan, root, team)
        held.enter_context(_threads(plan.threads))
        with _bar(tasks, team, progress):
            _work(plan, tasks, root, team, skip_bad=skip_bad, device=find_device(device))
            team.count(ENDED)
            while team.leads and team.count(ENDED, 0) < team.size:
                time.sleep(0.1)
        if team.leads:
            found = tuple(notes(root))
            if found and not find_places(root):
                first = found[0]
                raise ErfError(f"nothing was measured: {first['task']}: {first['reason']}")
            _check_whole(plan, root, found)
            tidy(root, _journals(plan, root))
            return Outcome(team.count(DONE, 0), found)
    return Outcome(team.count(DONE, 0), ())


def open_tasks(plan: StudyPlan, root: Path) -> list[Task]:
    """The tasks with the questions that have no answer yet."""
    found = []
    for task in plan_tasks(plan, photos_of(plan)):
        place = root / task.path
        missing = tuple(each for each in task.questions if not (place / each.path).exists())
        if missing:
            found.append(replace(task, questions=missing))
    return found


def _agreed(plan: StudyPlan, root: Path, team: Team) -> list[Task]:
    """The tasks, the same for all: the first worker looks what is there, before any begins."""

    def make() -> str:
        known = read_root(root)
        photos = photos_of(plan)
        asked = describe_plan(plan, photos)
        write_root(root, asked if known is None else check_growth(root, known["plan"], asked))
        begin_anew(root)
        return json.dumps(
            [
                [task.path, *(each.path for each in task.questions)]
                for task in open_tasks(plan, root)
            ]
        )

    wanted = {path: set(questions) for path, *questions in json.loads(team.agree("tasks", make))}
    tasks = plan_tasks(plan, photos_of(plan)) if wanted else []
    return cut_long(
        [
            replace(task, questions=tuple(q for q in task.questions if q.path in wanted[task.path]))
            for task in tasks
            if task.path in wanted
        ]
    )


def _work(
    plan: StudyPlan,
    tasks: Sequence[Task],
    root: Path,
    team: Team,
    *,
    skip_bad: bool,
    device: torch.device,
) -> None:
    """Do tasks until none is left."""
    for title, own in _turns(tasks, team):
        bench: Bench | None = None
        subjects: dict[tuple[int, int] | None, Subject] = {}
        for task, tickets in groupby(own, key=lambda ticket: ticket.task):
            try:
                bench = bench or Bench.of(plan, title, root, device)
                size = task.photo.size
                parts = (ticket.part for ticket in tickets)
                subjects[size], ended = bench.measure(
                    task, subjects.get(size), parts, partial(_is_last, task, team)
                )
            except StoreError:
                raise
            except ErfError as error:
                _noted(root, task, error, team, skip_bad=skip_bad)
                ended = team.take(f"failed {task.key}") == 0
            if ended:
                team.count(DONE)


def _is_last(task: Task, team: Team) -> bool:
    """Count a part of a task that is measured: whether all are, by whomever."""
    return team.count(f"parts of {task.key}") == task.parts


def _noted(root: Path, task: Task, error: ErfError, team: Team, *, skip_bad: bool) -> None:
    """Keep why a task failed; a bad photo ends the study unless bad ones are skipped.

    Raises:
        PhotoError: naming the worker.
    """
    where = f" ({team.name})" if team.size > 1 else ""
    bad = isinstance(error, PhotoError)
    if bad and not skip_bad:
        raise PhotoError(f"{error}{where}")
    kind = "skipped" if bad else "failed"
    values = {"task": task.path, "kind": kind, "reason": str(error), "worker": team.name}
    note(root, task.key, values)


def _turns(tasks: Sequence[Task], team: Team) -> Iterator[tuple[str, Iterator[Ticket]]]:
    """Models with the tasks, and parts of long ones, that this worker takes of each.

    A worker takes a model that nobody has taken, so that each is built by few; when all are taken,
    it helps where tasks are left. Every task is given out by an atomic counter, to one worker.
    """
    by_model: dict[str, list[Ticket]] = {}
    work: Counter[str] = Counter()
    for task in tasks:
        by_model.setdefault(task.model, []).extend(Ticket(task, n) for n in range(task.parts))
        work[task.model] += task.length
    order = sorted(by_model, key=lambda title: -work[title])
    for alone in (True, False):
        for title in order:
            if alone and team.take(f"model {title}") > 0:
                continue
            left = len(by_model[title]) - team.count(f"tasks of {title}", 0)
            if left > 0:
                yield title, _taken(by_model[title], title, team)


def _taken(tickets: Sequence[Ticket], title: str, team: Team) -> Iterator[Ticket]:
    while (index := team.take(f"tasks of {title}")) < len(tickets):
        yield tickets[index]


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """A number of threads on which the last bit of a sum may hang, as it was afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _bar(tasks: Sequence[Task], team: Team, show: bool) -> Iterator[None]:
    """One bar for all workers, of the first: a thread looks at their common counter."""
    if not (show and team.leads and tasks):
        yield
        return
    over, seen = Event(), 0
    with progress_bar("Tasks", len(tasks), show=True) as advance:

        def look() -> None:
            nonlocal seen
            now = team.count(DONE, 0)
            advance(now - seen)
            seen = now

        def watch() -> None:
            while not over.wait(0.5):
                look()

        thread = Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            look()


def _check_whole(plan: StudyPlan, root: Path, found: Sequence[dict[str, str]]) -> None:
    """Never end as if all were done when a worker was lost on the way.

    Raises:
        StoreError: when tasks are open that nobody failed at.
    """
    noted = {each["task"] for each in found}
    left = [task.path for task in open_tasks(plan, root) if task.path not in noted]
    if left:
        raise StoreError(
            f"{root}: {len(left)} tasks are left, such as {left[0]}: the same command goes on"
        )


def _journals(plan: StudyPlan, root: Path) -> frozenset[str]:
    """Names of the journals with which open tasks go on."""
    return frozenset(journal_name(task) for task in open_tasks(plan, root))
