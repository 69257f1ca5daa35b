"""How far a network hears: its scores on the scenes' objects, by their distance to the cue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn

from parsenet.prediction import inference
from parsenet.scenes.rendering import render
from parsenet.scenes.samples import INPUT_SPACE
from parsenet.scenes.spec import CLASSES, OBJECT_CLASSES, SHAPES, SceneSpec, object_class
from parsenet.scores import Scores, known

# Bounds, in pixels, of the bands that the distances are sorted into.
BANDS = (0.0, 100.0, 150.0, 200.0, 250.0, 300.0, float("inf"))


@dataclass(frozen=True)
class Band:
    """Scores over the boxes of all objects whose cue is `near` to `far` pixels away."""

    near: float
    far: float
    objects: int
    scores: Scores

    @property
    def mean_iou(self) -> float:
        """Mean IoU of the object classes within the boxes."""
        return self.scores.mean_iou_of(OBJECT_CLASSES)

    @property
    def cue_accuracy(self) -> float:
        """Share of the pixels called by the right shape for which the cue is right too.

        A network that does not hear the cue guesses: 0.5. NaN if no pixel has the right shape.
        """
        return cue_accuracy(self.scores)


@dataclass(frozen=True)
class SceneScores:
    """Scores over whole scenes, and over their objects by cue distance; no band is empty."""

    scenes: int
    whole: Scores
    bands: tuple[Band, ...]

    def as_plain(self) -> dict[str, Any]:
        """Return the scores as JSON takes them: None where there was nothing to score."""
        return {
            "scenes": self.scenes,
            "mean_iou": known(self.whole.mean_iou),
            "iou": dict(zip(CLASSES, map(known, self.whole.iou), strict=True)),
            "by_cue_distance": [
                {
                    "from": band.near,
                    "objects": band.objects,
                    "mean_iou": known(band.mean_iou),
                    "cue_accuracy": known(band.cue_accuracy),
                }
                for band in self.bands
            ],
        }


def score_scenes(
    model: nn.Module,
    spec: SceneSpec,
    *,
    first: int,
    scenes: int,
    batch_size: int = 8,
    bands: Sequence[float] = BANDS,
) -> SceneScores:
    """Score `model` on scenes `first`, `first` + 1, ... of `spec`; all modes are left as found."""
    whole = Scores.none(len(CLASSES))
    by_distance = [Band(near, far, 0, whole) for near, far in pairwise(bands)]
    for start in range(first, first + scenes, batch_size):
        drawn = [
            render(spec, index) for index in range(start, min(start + batch_size, first + scenes))
        ]
        with inference(model) as device:
            images = torch.stack([INPUT_SPACE.tensor(scene.image) for scene in drawn])
            predicted = model(images.to(device)).argmax(dim=1).cpu()
        for scene, guess in zip(drawn, predicted, strict=True):
            truth = torch.from_numpy(scene.label)
            whole = whole.with_pixels(guess, truth)
            for thing in scene.objects:
                top, left, bottom, right = thing.box
                at = int(np.searchsorted(bands, thing.cue_distance, side="right")) - 1
                band, box = by_distance[at], (slice(top, bottom), slice(left, right))
                scores = band.scores.with_pixels(guess[box], truth[box])
                by_distance[at] = replace(band, objects=band.objects + 1, scores=scores)
    return SceneScores(scenes, whole, tuple(band for band in by_distance if band.objects))


def cue_accuracy(scores: Scores) -> float:
    """Share of the pixels called by the right shape for which the cue is right too."""
    day, night = ([object_class(shape, cue) for shape in range(len(SHAPES))] for cue in (0, 1))
    confusion = scores.confusion
    right = confusion[day, day].sum() + confusion[night, night].sum()
    wrong = confusion[day, night].sum() + confusion[night, day].sum()
    return float(right / (right + wrong)) if right + wrong else float("nan")
