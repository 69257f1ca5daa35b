"""Scoring a model on a data set: whole images, one scale, one confusion matrix over all of them.

The protocol of FCN and ParseNet: no resizing, no crops, no mirrored copies, void left out.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, distributed, nn

from parsenet.context import given, listening, vector_for
from parsenet.datasets import LabelledImages
from parsenet.errors import DatasetError
from parsenet.input_space import InputSpace
from parsenet.photo_scores import PhotoScores
from parsenet.prediction import predict
from parsenet.scores import Scores


def evaluate(
    model: nn.Module,
    dataset: LabelledImages,
    input_space: InputSpace,
    *,
    limit: int | None = None,
    on_image: Callable[[], None] | None = None,
) -> Scores:
    """Score ``model`` on the first ``limit`` images of ``dataset``, or on all.

    Where ``torch.distributed`` is initialised, each process takes its share of the images, and all
    return the scores of all of them.

    Args:
        model: image (n, 3, height, width) in, class scores of every pixel out.
        dataset: what to score on.
        input_space: what the model takes in.
        limit: number of images, from the first on.
        on_image: called after each image of this process, for progress.
    """
    return evaluate_photos(model, dataset, input_space, limit=limit, on_image=on_image).total


def evaluate_photos(
    model: nn.Module,
    dataset: LabelledImages,
    input_space: InputSpace,
    *,
    limit: int | None = None,
    context: str = "own",
    on_image: Callable[[], None] | None = None,
) -> PhotoScores:
    """Score as ``evaluate`` does, photo by photo.

    Args:
        model, dataset, input_space, limit, on_image: see ``evaluate``.
        context: whose pooled vector the model reads: the photo's ``own``, that of another one
            (``swapped``) or the ``mean``; see ``parsenet.context``. Others than the own take two
            passes over the images.

    Raises:
        ModelError: if the model has no global context and another than its own is asked for.
    """
    count = min(len(dataset), limit or len(dataset))
    device = next(model.parameters()).device
    confusions = np.zeros((count, len(dataset.classes), len(dataset.classes)), np.int64)
    vectors = None
    if context != "own":
        vectors = _pooled(model, dataset, input_space, count, on_image)
    for index in my_share(count):
        image, label = dataset[index]
        vector = None if vectors is None else vector_for(index, vectors, context)
        with nullcontext() if vector is None else given(model, vector):
            predicted = predict(model, image, input_space)
        true = torch.from_numpy(label).to(predicted.device)
        none = Scores.none(len(dataset.classes))
        confusions[index] = none.with_pixels(predicted, true).confusion
        if on_image is not None:
            on_image()
    summed = _summed(torch.from_numpy(confusions), device)
    # A data set of one's own may do without names.
    names = getattr(dataset, "names", None) or [str(index) for index in range(count)]
    return PhotoScores(tuple(names[:count]), summed.numpy())


def _pooled(
    model: nn.Module,
    dataset: LabelledImages,
    input_space: InputSpace,
    count: int,
    on_image: Callable[[], None] | None,
) -> Float[Tensor, "photos channels 1 1"]:
    """Return the pooled vector of each photo, of all processes."""
    mine = my_share(count)
    with listening(model) as heard:
        for index in mine:
            predict(model, dataset[index][0], input_space)
            if on_image is not None:
                on_image()
    vectors = torch.zeros(count, *heard[0].shape[1:], device=heard[0].device)
    vectors[list(mine)] = torch.cat(heard)
    return _summed(vectors, vectors.device)


def check_classes(known: Sequence[str], dataset: LabelledImages) -> None:
    """Refuse data with another number of classes than a model's.

    Raises:
        DatasetError: naming both numbers.
    """
    if len(known) != len(dataset.classes):
        raise DatasetError(
            f"{dataset.title} has {len(dataset.classes)} classes ({_few(dataset.classes)}), "
            f"the model {len(known)} ({_few(known)})"
        )


def my_share(count: int) -> range:
    """Return which of ``count`` things this process takes: every n-th of n processes."""
    if not _shared():
        return range(count)
    return range(distributed.get_rank(), count, distributed.get_world_size())


def _shared() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def _summed(mine: Shaped[Tensor, "photos *rest"], device: torch.device) -> Any:
    """Add up what all processes have, on the CPU. NCCL takes tensors on its GPU alone."""
    if not _shared():
        return mine.cpu()
    total = mine.to(device)
    distributed.all_reduce(total)
    return total.cpu()


def _few(names: Sequence[str]) -> str:
    return ", ".join([*names[:3], "..."] if len(names) > 3 else names)
