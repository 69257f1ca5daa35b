"""Scores on images that are not trained on, taken now and then during a training."""

from dataclasses import dataclass
from math import isnan

import numpy as np
from jaxtyping import UInt8
from torch import nn

from parsenet.datasets import LabelledImages, SceneDataset, open_dataset
from parsenet.errors import TrainingError
from parsenet.evaluation import evaluate
from parsenet.input_space import InputSpace
from parsenet.scenes import HELD_OUT, SceneSpec, render
from parsenet.training.experiment import Experiment

# Scenes that are scored in between by default; photos are scored one and all.
SCENES = 50
# Of the scenes that models are scored on, whatever they were trained with.
SCORED_SEED = 0


@dataclass(frozen=True, eq=False)
class Scoring:
    """What a model is scored on while it is trained, and how often.

    Attributes:
        images: the data; several processes share them out.
        every: iterations between scores; the last one's model is scored in any case.
        limit: number of images, from the first on; None for all.

    Raises:
        TrainingError: if ``every`` or ``limit`` is below 1.
    """

    images: LabelledImages
    every: int
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.every < 1:
            raise TrainingError(f"scores every {self.every} iterations: it must be at least 1")
        if self.limit is not None and self.limit < 1:
            raise TrainingError(f"scores of {self.limit} images: it must be at least 1")

    @property
    def words(self) -> str:
        """Which images: scores on others do not compare."""
        images = min(len(self.images), self.limit or len(self.images))
        return f"{self.images.title} {self.images.split}, {images} images"

    def is_due(self, iteration: int, *, last: int) -> bool:
        """Say whether the model is scored after this iteration, counted from 1."""
        return iteration == last or iteration % self.every == 0

    def scores(self, model: nn.Module, input_space: InputSpace) -> dict[str, float]:
        """Score a model and hand it back as found; what is not defined is left out."""
        total = evaluate(model, self.images, input_space, limit=self.limit)
        scores = {"mean_iou": total.mean_iou, "pixel_accuracy": total.pixel_accuracy}
        return {name: score for name, score in scores.items() if not isnan(score)}


def usual_picture(experiment: Experiment) -> tuple[UInt8[np.ndarray, "rows cols 3"], str]:
    """Return an image of an experiment's data set to look at a network with, and its name.

    Of scenes one that is never trained on, of photos the first of the training split.

    Raises:
        DatasetError: if it cannot be read.
    """
    if experiment.data == "scenes":
        spec = SceneSpec(seed=SCORED_SEED, size=experiment.size)
        return render(spec, HELD_OUT).image, f"scene-{HELD_OUT}"
    images = open_dataset(experiment.data, experiment.root or None, experiment.split)
    return images[0][0], images.names[0]


def usual_scoring(
    experiment: Experiment, *, every: int, split: str = "val", limit: int | None = None
) -> Scoring:
    """Return the scoring of an experiment on a split of its own data set.

    Args:
        experiment: what is trained.
        every: iterations between scores.
        split: which images; of scenes, those of ``val`` are unseen and the same for every seed.
        limit: number of images, from the first on; None for 50 scenes or all photos.

    Raises:
        DatasetError: if the split cannot be opened.
        TrainingError: if a number is below 1.
    """
    images = open_dataset(experiment.data, experiment.root or None, split)
    if isinstance(images, SceneDataset):
        unseen = SceneSpec(seed=SCORED_SEED, size=experiment.size)
        spec = experiment.spec if split == "train" else unseen
        images = SceneDataset(split, spec, SCENES if limit is None else max(1, limit))
    return Scoring(images, every, limit)
