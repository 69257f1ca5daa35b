"""One fold: trained on two drives, the rate chosen on clips of these, scored on the third."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from benchmarks.camvid.heads import HEADS, Schedule, Trained, Training, scores_of, take
from benchmarks.camvid.views import Seen
from parsenet.atomic import whole_file
from parsenet.context import vector_for
from parsenet.photo_scores import mean_ious

HELD_OUT = 5
"""One in so many clips of the drives that are trained on chooses the rate."""

AT_ONCE = 40
"""Views that are scored in one product."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a fold comes to.

    Attributes:
        rates: that were tried.
        sweep: mean IoU on the clips held out, ``[head, rate]``, heads as in ``HEADS``.
        confusions: on the drive left out with the rate that was best there, of each head and way
            of using it, ``[view, true, called]``.
        views: of the drive left out, by their place.
    """

    rates: tuple[float, ...]
    sweep: Float[np.ndarray, "heads rates"]
    confusions: dict[str, Int64[np.ndarray, "views classes classes"]]
    views: Int64[np.ndarray, " views"]

    def save(self, path: Path) -> None:
        """Write it whole."""
        plain = {"rates": np.array(self.rates), "sweep": self.sweep, "views": self.views}
        small = {name: each.astype(np.int32) for name, each in self.confusions.items()}
        with whole_file(path) as staging, staging.open("wb") as file:
            np.savez_compressed(file, **plain, **small)

    @classmethod
    def read(cls, path: Path) -> Outcome:
        """Read what ``save`` wrote."""
        with np.load(path) as found:
            plain = {name: found[name] for name in found.files}
        rates, sweep, views = (plain.pop(name) for name in ("rates", "sweep", "views"))
        known = {name: each.astype(np.int64) for name, each in plain.items()}
        return cls(tuple(map(float, rates)), sweep, known, views)


def run_fold(
    seen: Seen, layer: str, drive: str, *, seed: int, classes: int, schedule: Schedule
) -> Outcome:
    """Train all heads without one drive and score them on it."""
    parts = split(seen, drive, seed)
    units = seen.units_of(parts["train"])
    trained = Training(seen, layer, units, classes, schedule, seed).run()
    frequencies = np.bincount(seen.labels[units], minlength=classes)[:classes] / len(units)
    sweep = np.array(
        [
            [
                _mean_iou(seen, layer, trained[head, rate], parts["chosen"])
                for rate in schedule.rates
            ]
            for head in HEADS
        ]
    )
    confusions: dict[str, np.ndarray] = {}
    for head, row in zip(HEADS, sweep, strict=True):
        best = trained[head, schedule.rates[int(np.nanargmax(row))]]
        confusions |= used(seen, layer, best, parts["left"], frequencies)
    return Outcome(schedule.rates, sweep, confusions, np.array(parts["left"]))


def split(seen: Seen, drive: str, seed: int) -> dict[str, list[int]]:
    """Return the views to train on, those that choose the rate, and the drive left out."""
    clips = sorted({view.clip for view in seen.views if view.drive != drive})
    held = {clip for place, clip in enumerate(clips) if place % HELD_OUT == seed % HELD_OUT}
    parts: dict[str, list[int]] = {"train": [], "chosen": [], "left": []}
    for place, view in enumerate(seen.views):
        of = "left" if view.drive == drive else "chosen" if view.clip in held else "train"
        parts[of].append(place)
    return parts


def used(
    seen: Seen,
    layer: str,
    trained: Trained,
    views: Sequence[int],
    frequencies: Float[np.ndarray, " classes"],
) -> dict[str, Int64[np.ndarray, "views classes classes"]]:
    """Return the confusions of a head with the context of each view, another's and the mean.

    Without context: as it is, told which classes each view holds, and told their shares of it.
    """
    name = trained.head.name
    if trained.head.fusion != "none":
        pooled = seen.pooled[list(views)][:, :, None, None]
        given = {
            source: torch.stack([vector_for(k, pooled, source) for k in range(len(views))])
            for source in ("own", "swapped", "mean")
        }
        return {
            f"{name}, {source}": _confusions(seen, layer, trained, views, context=each[:, :, 0, 0])
            for source, each in given.items()
        }
    told = {"own": None, "presence": True, "shares": False}
    return {
        f"{name}, {way}": _confusions(
            seen, layer, trained, views, told=None if p is None else (frequencies, p)
        )
        for way, p in told.items()
    }


def _confusions(
    seen: Seen,
    layer: str,
    trained: Trained,
    views: Sequence[int],
    *,
    context: Float[Tensor, "views channels"] | None = None,
    told: tuple[Float[np.ndarray, " classes"], bool] | None = None,
) -> Int64[np.ndarray, "views classes classes"]:
    classes = trained.score.out_channels
    total = np.zeros((len(views), classes, classes), np.int64)
    for start in range(0, len(views), AT_ONCE):
        some = list(views[start : start + AT_ONCE])
        units = seen.units_of(some)
        place = np.searchsorted(np.array(some), seen.view_of[units])
        features = take(seen, layer, units)
        if context is not None:
            features = features._replace(context=context[start + torch.from_numpy(place)])
        labels = seen.labels[units].astype(np.int64)
        with torch.no_grad():
            read = features.normalized() if trained.head.normalize else features
            scores = scores_of([trained], read)[0].numpy()
        counted = count(place, labels, labels, len(some), classes)
        if told is not None:
            scores = scores + knowing(counted.sum(axis=1), *told)[place]
        called = scores.argmax(axis=1)
        total[start : start + len(some)] = count(place, labels, called, len(some), classes)
    return total


def knowing(
    counts: Int64[np.ndarray, "views classes"],
    frequencies: Float[np.ndarray, " classes"],
    presence: bool,
) -> Float[np.ndarray, "views classes"]:
    """Return what to add to scores for whoever knows which classes a view holds, or their shares.

    By Bayes' rule, as if a feature looked alike in all views: the ratio of each class's share to
    what it was in training; of presence alone, 0 for those that are there.

    Example:
        >>> knowing(np.array([[3, 1, 0]]), np.array([0.25, 0.5, 0.25]), presence=True)
        array([[  0.,   0., -inf]])
        >>> np.exp(knowing(np.array([[3, 1, 0]]), np.array([0.25, 0.5, 0.25]), presence=False))
        array([[3. , 0.5, 0. ]])
    """
    with np.errstate(divide="ignore"):
        if presence:
            return np.log((counts > 0).astype(float))
        shares = counts / counts.sum(axis=1, keepdims=True)
        return np.log(shares / np.maximum(frequencies, 1e-9))


def count(
    place: Int64[np.ndarray, " units"],
    true: Int64[np.ndarray, " units"],
    called: Int64[np.ndarray, " units"],
    views: int,
    classes: int,
) -> Int64[np.ndarray, "views classes classes"]:
    """Return the confusion of each view."""
    cell = (place * classes + true) * classes + called
    return np.bincount(cell, minlength=views * classes**2).reshape(views, classes, classes)


def _mean_iou(seen: Seen, layer: str, trained: Trained, views: Iterable[int]) -> float:
    found = _confusions(seen, layer, trained, list(views))
    return float(mean_ious(found.sum(axis=0, keepdims=True).astype(float))[0])
