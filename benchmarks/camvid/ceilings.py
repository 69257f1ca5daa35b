"""What knowing the whole view could tell at most, counted from labels alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from benchmarks.camvid.fold import count
from benchmarks.camvid.views import Seen, unlike
from parsenet.photo_scores import mean_ious


@dataclass(frozen=True)
class Ceilings:
    """Information on the class of a unit, in bits, and what position alone comes to.

    Attributes:
        present: mean number of classes in a view.
        differing: mean share of classes by which a view differs from the one whose context it gets
            when contexts are swapped.
        entropy: of a unit's class when nothing is known.
        presence: how much of it the set of the view's classes tells, to one who knows all else of
            the classes' frequencies.
        shares: how much the shares of the classes in the view tell.
        position: how much the unit's place tells; None where views lie anywhere in a photo.
        by_position: mean IoU on each drive of calling what is most frequent at each place on the
            others.
    """

    present: float
    differing: float
    entropy: float
    presence: float
    shares: float
    position: float | None
    by_position: dict[str, float] | None


def ceilings(seen: Seen, classes: int) -> Ceilings:
    """Count them."""
    units = seen.units_of(range(len(seen.views)))
    labels = seen.labels[units].astype(np.int64)
    counts = np.zeros((len(seen.views), classes), np.int64)
    np.add.at(counts, (seen.view_of[units], labels), 1)
    total = counts.sum(axis=0)
    sets = [frozenset(np.flatnonzero(row).tolist()) for row in counts]
    entropy = bits(total)
    whole = len({(view.height, view.width, view.top) for view in seen.views}) == 1
    maps = _maps(seen) if whole else None
    return Ceilings(
        present=float(np.mean([len(each) for each in sets])),
        differing=_differing(seen, sets),
        entropy=entropy,
        presence=entropy - _given_presence(counts),
        shares=entropy - _given(counts),
        position=None if maps is None else entropy - _given(_by_place(maps, classes)),
        by_position=None if maps is None else _by_position(seen, maps, classes),
    )


def bits(counts: Int64[np.ndarray, " classes"]) -> float:
    """Return the entropy of what was counted.

    Example:
        >>> bits(np.array([1, 1, 0, 2]))
        1.5
    """
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def _given(rows: Int64[np.ndarray, "groups classes"]) -> float:
    """Return the entropy that is left when the group of a unit is known."""
    weights = rows.sum(axis=1)
    kept = [(bits(row), weight) for row, weight in zip(rows, weights, strict=True) if weight]
    return float(np.average([h for h, _ in kept], weights=[w for _, w in kept]))


def _given_presence(counts: Int64[np.ndarray, "views classes"]) -> float:
    """Return the bits a unit costs by the frequencies of all views, cut to the view's classes."""
    frequencies = counts.sum(axis=0) / counts.sum()
    allowed = (counts > 0) * frequencies
    told = allowed / allowed.sum(axis=1, keepdims=True)
    cost = -np.log2(told, out=np.zeros_like(told), where=counts > 0)
    return float((counts * cost).sum() / counts.sum())


def _differing(seen: Seen, sets: list[frozenset[int]]) -> float:
    """Return how unlike a view is to the one half its drive away, on average."""
    found = []
    for drive in {view.drive for view in seen.views}:
        own = [k for k, view in enumerate(seen.views) if view.drive == drive]
        half = len(own) // 2
        found += [unlike(sets[k], sets[own[(j + half) % len(own)]]) for j, k in enumerate(own)]
    return float(np.mean(found))


def _maps(seen: Seen) -> Int64[np.ndarray, "views places"]:
    return seen.labels.reshape(len(seen.views), -1).astype(np.int64)


def _by_place(
    maps: Int64[np.ndarray, "views places"], classes: int
) -> Int64[np.ndarray, "places classes"]:
    return np.stack([(maps == each).sum(axis=0) for each in range(classes)], axis=1)


def _by_position(
    seen: Seen, maps: Int64[np.ndarray, "views places"], classes: int
) -> dict[str, float]:
    drives = np.array([view.drive for view in seen.views])
    found = {}
    for drive in sorted(set(drives)):
        usual = _by_place(maps[drives != drive], classes).argmax(axis=1)
        left = maps[drives == drive]
        known = left < classes
        called = np.broadcast_to(usual, left.shape)[known]
        confusion = count(np.zeros(known.sum(), int), left[known], called, 1, classes)
        found[str(drive)] = float(mean_ious(confusion.astype(float))[0])
    return found
