"""How well labels are predicted, from one confusion matrix over all pixels of all images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64, Integer
from numpy.typing import ArrayLike
from torch import Tensor
from torchmetrics.functional.classification import multiclass_confusion_matrix

PerClass = Float64[np.ndarray, "classes"]


@dataclass(frozen=True, eq=False)
class Scores:
    """Segmentation scores in the definitions of Long, Shelhamer and Darrell (2015).

    `confusion[t, p]` counts the pixels of true class t that were called p, void left out. Means run
    over the classes that occur in the truth; per class, one that does not occur is NaN.
    """

    confusion: Int64[np.ndarray, "true predicted"]

    @classmethod
    def none(cls, classes: int) -> Scores:
        """Return the scores before any pixel was seen."""
        return cls(np.zeros((classes, classes), np.int64))

    def with_pixels(
        self,
        predicted: Integer[Tensor, "*pixels"],
        true: Integer[Tensor, "*pixels"],
        *,
        void: int = 255,
    ) -> Scores:
        """Return these scores with more pixels counted, those of true class `void` left out."""
        counts = multiclass_confusion_matrix(
            predicted.flatten(),
            true.flatten().long(),
            num_classes=len(self.confusion),
            ignore_index=void,
        )
        return Scores(self.confusion + counts.cpu().numpy().astype(np.int64))

    def __add__(self, other: Scores) -> Scores:
        """Return the scores over the pixels of both."""
        return Scores(self.confusion + other.confusion)

    @property
    def truth(self) -> Int64[np.ndarray, "classes"]:
        """Pixels of each class in the truth."""
        return self.confusion.sum(axis=1)

    @property
    def accuracy(self) -> PerClass:
        """Share of each class's pixels that were called so."""
        return share(self.confusion.diagonal(), self.truth)

    @property
    def iou(self) -> PerClass:
        """Intersection over union of truth and prediction, for each class."""
        union = self.truth + self.confusion.sum(axis=0) - self.confusion.diagonal()
        return np.where(self.truth > 0, share(self.confusion.diagonal(), union), np.nan)

    @property
    def pixel_accuracy(self) -> float:
        """Share of all pixels that were called right."""
        return float(share(self.confusion.trace(), self.confusion.sum()))

    @property
    def mean_accuracy(self) -> float:
        """Mean accuracy of the classes."""
        return mean_over(self.accuracy)

    @property
    def mean_iou(self) -> float:
        """Mean intersection over union of the classes."""
        return mean_over(self.iou)

    @property
    def mean_iou_called(self) -> float:
        """Mean IoU where a class that is called but never true counts as 0, as FCN's script has it.

        ParseNet's evaluation, ``mean_iou``, leaves such a class out; VOC's test has none.
        """
        either = (self.truth + self.confusion.sum(axis=0)) > 0
        return mean_over(np.where(either, np.nan_to_num(self.iou), np.nan))

    @property
    def weighted_iou(self) -> float:
        """Intersection over union, weighted by how frequent each class is in the truth."""
        return float(share(np.nansum(self.iou * self.truth), self.truth.sum()))

    def as_plain(self, classes: Sequence[str]) -> dict[str, Any]:
        """Return the scores as JSON takes them, the classes by name; None: not defined."""
        rows = zip(classes, self.truth, self.accuracy, self.iou, strict=True)
        return {
            "pixel_accuracy": known(self.pixel_accuracy),
            "mean_accuracy": known(self.mean_accuracy),
            "mean_iou": known(self.mean_iou),
            "mean_iou_called": known(self.mean_iou_called),
            "frequency_weighted_iou": known(self.weighted_iou),
            "classes": [
                {"name": name, "pixels": int(count), "accuracy": known(right), "iou": known(iou)}
                for name, count, right, iou in rows
            ],
            "confusion": self.confusion.tolist(),
        }

    def mean_iou_of(self, classes: Sequence[int]) -> float:
        """Mean intersection over union of some classes."""
        return mean_over(self.iou[list(classes)])


def share(part: ArrayLike, whole: ArrayLike) -> Float64[np.ndarray, "..."]:
    """Return part / whole, NaN where the whole is nothing."""
    above, below = np.asarray(part, float), np.asarray(whole, float)
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)


def mean_over(values: PerClass) -> float:
    """Return the mean of what is not NaN; NaN if nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def known(score: float) -> float | None:
    """Return a score as JSON takes it: None where it is NaN, not defined."""
    return None if isnan(score) else float(score)
