"""A checkpoint assessed on a data set: scores, how sure they are, and what they are beside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch

from parsenet.checkpoint import Checkpoint
from parsenet.datasets import LabelledImages
from parsenet.evaluation import check_classes, evaluate_photos, my_share
from parsenet.photo_scores import PairedDifference, PhotoScores, paired_difference


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of a checkpoint.

    Attributes:
        limit: number of images, from the first on; None for all.
        context: whose pooled vector each photo is given; see ``vector_for``.
        group: what photos are drawn together for intervals; see ``PhotoScores.grouped``.
    """

    limit: int | None = None
    context: str = "own"
    group: str | None = None


@dataclass(frozen=True, eq=False)
class Assessment:
    """What was found.

    Attributes:
        scores: of the checkpoint, with the context that was asked for.
        beside: of what it is held against: another checkpoint, or itself with its own context.
        difference: of ``beside`` from ``scores``, by photo; None where there is nothing beside.
        title: what ``beside`` is.
    """

    scores: PhotoScores
    beside: PhotoScores | None = None
    difference: PairedDifference | None = None
    title: str = ""

    def as_plain(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """Return everything as JSON takes it."""
        plain = {"images": len(self.scores.names), **self.scores.total.as_plain(classes)}
        plain |= self.scores.as_plain()
        if self.beside is not None and self.difference is not None:
            total = self.beside.total.as_plain(classes) | self.beside.as_plain()
            plain["beside"] = {"title": self.title, **total}
            plain["difference"] = asdict(self.difference)
        return plain


def assess(
    checkpoint: Checkpoint,
    dataset: LabelledImages,
    question: Question,
    *,
    against: Checkpoint | None = None,
    device: torch.device | None = None,
    on_image: Callable[[], None] | None = None,
) -> Assessment:
    """Score a checkpoint, and what it is to be held against, on the same photos.

    Args:
        checkpoint: what is assessed.
        dataset: on what.
        question: how.
        against: another checkpoint, for a paired comparison. None: where another context than the
            photos' own was asked for, the checkpoint itself with their own.
        device: to which the models are moved; None: they stay where they are.
        on_image: called after each pass over an image of this process.

    Raises:
        DatasetError: if the classes are not the checkpoints' in number, or names fit no group.
        ModelError: if a context was asked for and the network has none.
    """

    def scored(which: Checkpoint, context: str) -> PhotoScores:
        check_classes(which.classes, dataset)
        which.model.to(device)
        found = evaluate_photos(
            which.model,
            dataset,
            which.input_space,
            limit=question.limit,
            context=context,
            on_image=on_image,
        )
        return found if question.group is None else found.grouped(question.group)

    scores = scored(checkpoint, question.context)
    if against is not None:
        beside, title = scored(against, question.context), "the other checkpoint"
    elif question.context != "own":
        beside, title = scored(checkpoint, "own"), "with the photos' own context"
    else:
        return Assessment(scores)
    enough = len(scores.units()) > 1
    difference = paired_difference(scores, beside) if enough else None
    return Assessment(scores, beside, difference, title)


def passes(
    checkpoint: Checkpoint,
    dataset: LabelledImages,
    question: Question,
    *,
    against: Checkpoint | None = None,
) -> int:
    """Return how many images this process passes through models, for progress.

    Pooled vectors are heard in a pass of their own, before they are swapped.

    Raises:
        DatasetError: if the classes are not the checkpoints' in number.
    """
    for each in filter(None, (checkpoint, against)):
        check_classes(each.classes, dataset)
    images = min(len(dataset), question.limit or len(dataset))
    times = 1 if question.context == "own" else 2
    if against is not None:
        times *= 2
    elif question.context != "own":
        times += 1
    return len(my_share(images)) * times
