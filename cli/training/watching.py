"""What is looked at while a model is trained: scores on images it does not see, a unit's field."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parsenet.datasets import LabelledImages
    from parsenet.training import Experiment, Prepared
    from parsenet.training.scoring import Scoring

# Scenes that are scored in between by default; photos are scored one and all.
SCENES = 50


def scoring(
    experiment: Experiment,
    prepared: Prepared,
    *,
    every: int | None,
    split: str,
    limit: int | None,
) -> Scoring | None:
    """Return what a training is to be scored on, None for nothing.

    Raises:
        parsenet.DatasetError: when the split cannot be opened or has other classes.
    """
    if every is None:
        return None
    from parsenet.evaluation import check_classes
    from parsenet.training.scoring import Scoring

    images = _images(experiment, split, limit)
    check_classes(prepared.classes, images)
    return Scoring(images, every, limit)


def _images(experiment: Experiment, split: str, limit: int | None) -> LabelledImages:
    from cli.training.outcome import SCORED_SEED
    from parsenet.datasets import open_dataset
    from parsenet.datasets.scenes import SceneDataset
    from parsenet.scenes import SceneSpec

    images = open_dataset(experiment.data, experiment.root or None, split)
    if not isinstance(images, SceneDataset):
        return images
    unseen = SceneSpec(seed=SCORED_SEED, size=experiment.size)
    spec = experiment.spec if split == "train" else unseen
    return SceneDataset(split, spec, limit or SCENES)
