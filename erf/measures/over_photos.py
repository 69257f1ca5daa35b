"""The typical size over photos: each photo counts once, however many units or draws it has.

Units of one photo share what that photo does to a network, so they are averaged before anything is
said about other photos. The logarithm of the size is taken, less the bias of few draws that leaving
one draw out at a time shows (Quenouille); the interval is Student's over photos. Of one photo there
is no spread over photos: its interval is over draws, and says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64
from scipy import stats

from erf.measures.field import Field
from erf.measures.measuring import find_intervals
from erf.measures.shares import check_share
from erf.measures.sizes import Definition, define

Over = Literal["images", "draws", "nothing"]


@dataclass(frozen=True)
class Typical:
    """A size over photos.

    Attributes:
        name: of the size.
        area: geometric mean over photos, pixels; of one field its own area.
        low, high: confidence interval, NaN where nothing is known of the spread.
        over: what was resampled: ``images``; ``draws`` of one photo; ``nothing``.
        share_of_image: of each photo's area, geometric mean.
        share_of_visible: likewise of the patches that can reach the unit, which is less near a
            border; None where that is not known.
        images: photos.
        units: of each photo.
        draws: of each unit.
        level: of confidence.
    """

    name: str
    area: float
    low: float
    high: float
    over: Over
    share_of_image: float
    share_of_visible: float | None
    images: int
    units: int
    draws: int
    level: float


@dataclass(frozen=True, eq=False)
class PhotoSizes:
    """Logarithms of a size, a photo each, its units averaged.

    Attributes:
        photos: what tells them apart.
        logs: of the area, corrected for the bias of few draws.
        images: of the photo's own area.
        visible: of the area of the patches that can reach the units; NaN where not known.
    """

    photos: tuple[object, ...]
    logs: Float64[np.ndarray, " photos"]
    images: Float64[np.ndarray, " photos"]
    visible: Float64[np.ndarray, " photos"]

    @classmethod
    def of(cls, fields: Sequence[Field], size: str) -> PhotoSizes:
        """Of fields of one or several units on one or several photos."""
        by_photo = group_by_photo(fields)
        rows = [np.mean([_row(each, size) for each in own], axis=0) for own in by_photo.values()]
        logs, images, visible = np.array(rows).T
        return cls(tuple(by_photo), logs, images, visible)


def group_by_photo(fields: Sequence[Field]) -> dict[object, list[Field]]:
    """Fields by photo; one whose photo is not known is its own."""
    found: dict[object, list[Field]] = {}
    for index, each in enumerate(fields):
        found.setdefault(index if each.image is None else each.image, []).append(each)
    return found


def typical(fields: Sequence[Field], size: str = "mass", *, level: float = 0.95) -> Typical:
    """The typical size of fields on several photos.

    Args:
        fields: of one or several units, at least one.
        size: its name, such as ``mass`` or ``peak:0.5``.
        level: of confidence.

    Raises:
        SettingError: when there is no such size, or the level is out of range.

    Example:
        >>> import torch, erf
        >>> from erf.measures import fields_of, typical
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 5, padding=2))
        >>> photos = [torch.randn(3, 32, 32) for _ in range(3)]
        >>> results = [erf.probe(model, photo, "0", patch=4, draws=2) for photo in photos]
        >>> found = typical(fields_of(results))
        >>> found.over, found.images, found.units, found.draws
        ('images', 3, 1, 2)
    """
    check_share(level, "level")
    sizes = PhotoSizes.of(fields, size)
    name = define(size, fields[0].cells, fields[0].center).name
    area, low, high, over = _interval(fields, sizes, size, level)
    visible = float(np.mean(sizes.visible))
    return Typical(
        name=name,
        area=area,
        low=low,
        high=high,
        over=over,
        share_of_image=_exp(float(np.mean(sizes.logs - sizes.images))),
        share_of_visible=None
        if math.isnan(visible)
        else _exp(float(np.mean(sizes.logs - sizes.visible))),
        images=len(sizes.photos),
        units=max(len(each) for each in group_by_photo(fields).values()),
        draws=min(each.draws for each in fields),
        level=level,
    )


def _interval(
    fields: Sequence[Field], sizes: PhotoSizes, size: str, level: float
) -> tuple[float, float, float, Over]:
    """(area, low, high, over what)."""
    most = _exp(float(np.mean(sizes.images)))
    if len(sizes.photos) > 1:
        center, spread = float(sizes.logs.mean()), float(sizes.logs.std(ddof=1))
        return *_student(center, spread / len(sizes.logs) ** 0.5, len(sizes.logs), level, most), (
            "images"
        )
    if len(fields) == 1:
        definition = define(size, fields[0].cells, fields[0].center)
        area = float(definition.area(fields[0].clean))
        found = find_intervals(fields[0], [definition], level=level, resamples=999, seed=0)
        if not found:
            return area, math.nan, math.nan, "nothing"
        interval = found[definition.name]
        return area, interval.low, min(interval.high, most), "draws"
    center = float(sizes.logs[0])
    draws = min(each.draws for each in fields)
    if draws < 2 or not math.isfinite(center):
        return _exp(center), math.nan, math.nan, "nothing"
    left = np.mean([_left_out(each, size)[:draws] for each in fields], axis=0)
    error = float(np.sqrt((draws - 1) * left.var()))
    return *_student(center, error, draws, level, most), "draws"


def _student(
    center: float, error: float, number: int, level: float, most: float
) -> tuple[float, float, float]:
    """(value, low, high) of an interval on logarithms."""
    width = float(stats.t.ppf((1 + level) / 2, df=number - 1)) * error
    if not math.isfinite(width):
        return _exp(center), math.nan, math.nan
    return _exp(center), _exp(center - width), max(_exp(center), min(_exp(center + width), most))


def _row(field: Field, size: str) -> tuple[float, float, float]:
    """Logarithms of a field's size, of its image and of what can reach it."""
    definition = define(size, field.cells, field.center)
    areas = field.cells.areas
    whole = math.log(float(areas.sum()))
    visible = math.nan
    if field.reachable is not None and field.reachable.any():
        visible = math.log(float(areas[field.reachable].sum()))
    limit = whole if math.isnan(visible) else visible
    return min(_corrected(field, definition), limit), whole, visible


def _corrected(field: Field, definition: Definition) -> float:
    """Logarithm of the size, less the bias of few draws where the size is smooth."""
    value = _log(float(definition.area(field.clean)))
    if not field.repeated or not definition.regular or not math.isfinite(value):
        return value
    left = _left_out(field, definition.name)
    if not np.isfinite(left).all():
        return value
    return float(len(left) * value - (len(left) - 1) * left.mean())


def _left_out(field: Field, size: str) -> Float64[np.ndarray, " draws"]:
    """Logarithms of the size without each draw."""
    assert field.samples is not None
    samples = np.where(field.heard, field.samples, 0.0)
    maps = (samples.sum(axis=0) - samples) / (len(samples) - 1)
    areas = define(size, field.cells, field.center).area(maps)
    with np.errstate(divide="ignore"):
        return np.log(areas)


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def _exp(value: float) -> float:
    return math.exp(value) if value > -math.inf else 0.0
