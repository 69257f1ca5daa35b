"""The tasks of a study: a pure list, made of the plan and of the photos' bytes alone."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from erf.errors import PhotoError
from erf.geometry import PatchGrid
from erf.photo import hash_file, printable
from erf.probing.draws import most_draws
from erf.probing.journal import split_rows
from erf.settings import Disturbance, Until
from erf.study.plan import StudyMethod, StudyPlan, safe_name

LABEL = 8
"""Letters of a photo's hash in its name: photos of one name are told apart, and a photo that was
replaced is another photo."""
PARTS, LEAST = 64, 2**24
"""A task that is more than this share of all work is cut, into parts of at least so many pixels
that pass through the model: what it takes to prepare a photo in another worker is little then."""


@dataclass(frozen=True)
class StudyPhoto:
    """A photo of a study, known by its bytes.

    Attributes:
        path: of the file.
        sha256: of its bytes.
        size: (rows, cols) as it will be shown, None where it cannot be read.
    """

    path: Path
    sha256: str
    size: tuple[int, int] | None

    @classmethod
    def of(cls, path: Path, image_size: tuple[int, int] | None) -> StudyPhoto:
        """Look at a file.

        Raises:
            PhotoError: when there is none.
        """
        if not path.is_file():
            raise PhotoError(f"{path}: {'is no file' if path.exists() else 'no such file'}")
        return cls(path, hash_file(path), image_size or _size_of(path))

    @property
    def label(self) -> str:
        """Its name in the tree."""
        return safe_name(f"{printable(self.path.stem)}-{self.sha256[:LABEL]}")

    @property
    def index(self) -> int:
        """What its stimulus depends on: the photo itself, not the photos that are beside it."""
        return int(self.sha256[:15], 16)


def _size_of(path: Path) -> tuple[int, int] | None:
    try:
        with Image.open(path) as image:
            turned = image.getexif().get(0x0112, 1) > 4
            size = image.height, image.width
    except Exception:  # whatever is wrong with it is said when it is read
        return None
    return size[::-1] if turned else size


def photos_of(plan: StudyPlan) -> list[StudyPhoto]:
    """The plan's photos, each once, also where two files hold the same bytes."""
    found = [StudyPhoto.of(path, plan.image_size) for path in plan.images]
    return list({each.sha256: each for each in reversed(found)}.values())[::-1]


@dataclass(frozen=True)
class Question:
    """One layer and one unit's name, such as ``grid:3``."""

    layer: str
    unit: str

    @property
    def path(self) -> str:
        """Below the task's."""
        return f"{safe_name(self.layer)}/{safe_name(self.unit)}"


@dataclass(frozen=True)
class Task:
    """One model, one method, one photo: a pass in which all questions are answered.

    Attributes:
        model, method: their names in the plan.
        photo: that is looked at.
        questions: that are open.
        passes: disturbed images at most, or gradients.
        pixels: of the photo; with the passes they say which tasks are long.
        blocks: of patches in its journal, the same whoever measures them; 1 where no part of it
            can be measured without the others.
        parts: into which it is cut, each some of its blocks.
    """

    model: str
    method: str
    photo: StudyPhoto
    questions: tuple[Question, ...]
    passes: int = 0
    pixels: int = 0
    blocks: int = 1
    parts: int = 1

    @property
    def path(self) -> str:
        """In the tree."""
        return f"{safe_name(self.model)}/{safe_name(self.method)}/{self.photo.label}"

    @property
    def key(self) -> str:
        """What tells it apart from a task with other questions."""
        asked = json.dumps([self.path, [each.path for each in self.questions]])
        return hashlib.sha256(asked.encode()).hexdigest()[:16]

    @property
    def length(self) -> int:
        """The work it is, in pixels that pass through the model."""
        return self.passes * self.pixels

    def blocks_of(self, part: int) -> range:
        """The blocks of a part.

        Example:
            >>> photo = StudyPhoto(Path("a.png"), "0" * 64, (64, 64))
            >>> task = Task("late", "noise", photo, (), blocks=8, parts=3)
            >>> [list(task.blocks_of(part)) for part in range(3)]
            [[0, 1], [2, 3, 4], [5, 6, 7]]
        """
        first, last = (self.blocks * each // self.parts for each in (part, part + 1))
        return range(first, last)


@dataclass(frozen=True)
class Ticket:
    """What a worker takes: a task, or a part of a long one."""

    task: Task
    part: int = 0


def cut_long(tasks: Sequence[Task]) -> list[Task]:
    """The tasks, the long ones in parts, so that several workers end at about the same time.

    Where a task is cut changes no number: a part is some blocks of the task's journal.
    """
    most = max(LEAST, sum(each.length for each in tasks) / PARTS)
    return [replace(each, parts=min(each.blocks, _ceil(each.length / most))) for each in tasks]


def _ceil(ratio: float) -> int:
    return max(1, math.ceil(ratio))


def plan_tasks(plan: StudyPlan, photos: Sequence[StudyPhoto]) -> list[Task]:
    """All tasks: models in the plan's order, of each the longest tasks first.

    Example:
        >>> from erf.study import StudyModel, StudyPlan
        >>> plan = StudyPlan((StudyModel("late"),), (Path("a.png"),), ("conv5_3", "fc7"))
        >>> photo = StudyPhoto(Path("a.png"), "0" * 64, (64, 64))
        >>> [(each.path, len(each.questions), each.passes) for each in plan_tasks(plan, [photo])]
        [('late/noise/a-00000000', 2, 128)]
    """
    tasks = []
    for model in plan.models:
        asked = tuple(
            Question(layer, unit) for layer in plan.layers_of(model) for unit in plan.units
        )
        own = [
            Task(model.title, name, photo, asked, *_work(method, photo, len(asked)))
            for name, method in plan.methods.items()
            for photo in photos
        ]
        tasks += sorted(own, key=lambda task: -task.length)
    return tasks


def _work(method: StudyMethod, photo: StudyPhoto, questions: int) -> tuple[int, int, int]:
    """(passes, pixels, blocks) of a task."""
    if photo.size is None:
        return 0, 0, 1
    rows, cols = photo.size
    settings = method.settings
    if not isinstance(settings, Disturbance):
        return questions * settings.projections, rows * cols, 1
    if settings.patch > min(rows, cols):
        return 0, rows * cols, 1  # refused when it is asked
    grid = PatchGrid(photo.size, settings.patch, settings.step)
    # Of draws that stop when a size is known, the next hang on all patches.
    blocks = 1 if isinstance(settings.rule, Until) else len(split_rows(grid))
    return len(grid) * most_draws(settings.rule), rows * cols, blocks
