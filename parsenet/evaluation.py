"""Scoring a model on a data set: whole images, one scale, one confusion matrix over all of them.

The protocol of FCN and ParseNet: no resizing, no crops, no mirrored copies, void left out.
"""

from collections.abc import Callable, Sequence

import torch
from torch import distributed, nn

from parsenet.datasets import LabelledImages
from parsenet.errors import DatasetError
from parsenet.input_space import InputSpace
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
    scores = Scores.none(len(dataset.classes))
    for index in my_share(min(len(dataset), limit or len(dataset))):
        image, label = dataset[index]
        predicted = predict(model, image, input_space)
        scores = scores.with_pixels(predicted, torch.from_numpy(label).to(predicted.device))
        if on_image is not None:
            on_image()
    return _total(scores, next(model.parameters()).device)


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


def _total(scores: Scores, device: torch.device) -> Scores:
    """Add up the scores of all processes. NCCL takes tensors on its GPU alone."""
    if not _shared():
        return scores
    counts = torch.from_numpy(scores.confusion).to(device)
    distributed.all_reduce(counts)
    return Scores(counts.cpu().numpy())


def _few(names: Sequence[str]) -> str:
    return ", ".join([*names[:3], "..."] if len(names) > 3 else names)
