"""Scores photo by photo: how sure a score is, and whether two networks differ."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from parsenet.errors import DatasetError
from parsenet.scores import Scores, known, share

RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class PhotoScores:
    """A confusion matrix a photo; ``total`` is what is usually reported.

    Attributes:
        names: of the photos.
        confusions: ``[photo, true, predicted]``, pixels, void left out.
        groups: what is drawn together, as the drive of a frame; by default every photo alone.
    """

    names: tuple[str, ...]
    confusions: Int64[np.ndarray, "photos classes classes"]
    groups: tuple[str, ...] = ()

    @property
    def total(self) -> Scores:
        """The scores over the pixels of all photos."""
        return Scores(self.confusions.sum(axis=0))

    def grouped(self, how: str) -> PhotoScores:
        """Return the same with groups: ``drive``, a name up to its first ``_``, or a pattern.

        Args:
            how: ``drive``, or a regular expression whose first group, or whole match, at the
                beginning of a photo's name is the name of its group.

        Raises:
            DatasetError: if the pattern is none, or fits no beginning of a name.
        """
        try:
            pattern = re.compile("[^_]*" if how == "drive" else how)
        except re.error as error:
            raise DatasetError(f"group {how!r} is no pattern: {error}") from error
        groups = []
        for name in self.names:
            found = pattern.match(name)
            if found is None:
                raise DatasetError(f"group {how!r} does not fit the name {name!r}")
            groups.append(found[1 if pattern.groups else 0] or "")
        return PhotoScores(self.names, self.confusions, tuple(groups))

    def units(self) -> Int64[np.ndarray, "units classes classes"]:
        """Return the confusion of each group, in the order of their first photos."""
        if not self.groups:
            return self.confusions
        order = {group: k for k, group in enumerate(dict.fromkeys(self.groups))}
        summed = np.zeros((len(order), *self.confusions.shape[1:]), np.int64)
        np.add.at(summed, [order[group] for group in self.groups], self.confusions)
        return summed

    def interval(self, *, level: float = LEVEL, seed: int = 0) -> tuple[float, float] | None:
        """Return the bootstrap interval of the mean IoU, over photos or groups.

        Photos are drawn anew with replacement; each draw's confusions are added up, as the score
        itself does. None where there are fewer than two.
        """
        units = self.units()
        if len(units) < 2:
            return None
        return _ends(mean_ious(_drawn(units, seed)), level)

    def as_plain(self) -> dict[str, Any]:
        """Return the interval and the confusion of every photo as JSON takes them."""
        ends = self.interval()
        return {
            "mean_iou_interval": None if ends is None else [known(end) for end in ends],
            "interval": f"{LEVEL:.0%} bootstrap over {len(self.units())} {self.drawn}",
            "photos": [
                {"name": name, **({"group": group} if self.groups else {}), "confusion": counts}
                for name, group, counts in zip(
                    self.names, self.groups or self.names, self.confusions.tolist(), strict=True
                )
            ],
        }

    @property
    def drawn(self) -> str:
        """What the interval runs over, in a word."""
        return "groups" if self.groups else "photos"


@dataclass(frozen=True)
class PairedDifference:
    """How much higher the first mean IoU is than the second, on the same photos.

    Attributes:
        difference: of the mean IoUs of all pixels.
        low, high: its bootstrap interval, photos (or groups) drawn together for both.
        p: of a permutation test that exchanges the two within photos: the chance of as large a
            difference, either way, if it did not matter which is which.
        units: how many photos or groups.
    """

    difference: float
    low: float
    high: float
    p: float
    units: int


def paired_difference(
    first: PhotoScores, second: PhotoScores, *, level: float = LEVEL, seed: int = 0
) -> PairedDifference:
    """Compare two scorings of the same photos, with an interval of this level.

    Raises:
        DatasetError: if the photos or groups are not the same, or fewer than two.
    """
    if first.names != second.names or first.groups != second.groups:
        raise DatasetError("scores of different photos cannot be paired")
    one, other = first.units(), second.units()
    if len(one) < 2:
        raise DatasetError(f"a difference over {len(one)} {first.drawn} says nothing")
    measured = first.total.mean_iou - second.total.mean_iou
    low, high = _ends(mean_ious(_drawn(one, seed)) - mean_ious(_drawn(other, seed)), level)
    signs = np.random.default_rng((seed, 1)).integers(0, 2, (RESAMPLES, len(one))).astype(float)
    mixed = mean_ious(_weighted(signs, one) + _weighted(1 - signs, other))
    turned = mean_ious(_weighted(1 - signs, one) + _weighted(signs, other))
    # Equal to rounding is as large: both differences are sums in other orders.
    as_large = np.abs(mixed - turned) >= abs(measured) - 1e-12
    p = (1 + int(as_large.sum())) / (1 + RESAMPLES)
    return PairedDifference(measured, low, high, p, len(one))


def mean_ious(
    confusions: Float64[np.ndarray, "draws classes classes"],
) -> Float64[np.ndarray, " draws"]:
    """Return the mean IoU of each of many confusions, over the classes that its truth has."""
    right = np.diagonal(confusions, axis1=1, axis2=2)
    true = confusions.sum(axis=2)
    iou = np.where(true > 0, share(right, true + confusions.sum(axis=1) - right), np.nan)
    return share(np.nansum(iou, axis=1), (~np.isnan(iou)).sum(axis=1))


def _drawn(units: Int64[np.ndarray, "units classes classes"], seed: int) -> Any:
    """Add up as many units as there are, drawn with replacement, many times over."""
    count = len(units)
    counts = np.random.default_rng(seed).multinomial(count, [1 / count] * count, RESAMPLES)
    return _weighted(counts.astype(float), units)


def _weighted(weights: Float64[np.ndarray, "draws units"], units: Any) -> Any:
    summed = weights @ units.reshape(len(units), -1).astype(float)
    return summed.reshape(-1, *units.shape[1:])


def _ends(values: Float64[np.ndarray, " draws"], level: float) -> tuple[float, float]:
    low, high = np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def said_interval(ends: Sequence[float] | None) -> str:
    """Return an interval as text; empty where there is none.

    Example:
        >>> said_interval((0.5, 0.625))
        ' [0.5000, 0.6250]'
    """
    return "" if ends is None else f" [{ends[0]:.4f}, {ends[1]:.4f}]"
