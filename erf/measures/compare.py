"""Compare fields: sizes side by side, their ratio, and whether it differs from 1."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from jaxtyping import Float64
from scipy import stats

from erf.errors import SettingError
from erf.measures.averaging import average, calibrate
from erf.measures.field import Field
from erf.measures.measure import measure
from erf.measures.measurement import Measurement
from erf.measures.shares import check_share
from erf.result import ProbeResult


@dataclass(frozen=True)
class Ratio:
    """One field's size over another's.

    Attributes:
        value: of the areas; with several images each the ratio of their geometric means.
        low, high: confidence interval.
        p: two-sided, of no difference; NaN where nothing is known of the spread.
        p_adjusted: for the number of comparisons made (Benjamini and Hochberg).
        method: ``paired`` over the same images, ``images`` (over different ones) or ``draws`` (one
            image each).
        level: of confidence.
    """

    value: float
    low: float
    high: float
    p: float
    p_adjusted: float
    method: str
    level: float

    @property
    def significant(self) -> bool:
        """Whether the sizes differ, at 1 - ``level`` after adjustment."""
        return bool(self.p_adjusted <= 1 - self.level)


@dataclass(frozen=True)
class Compared:
    """One row of a comparison.

    Attributes:
        name: of the result.
        images: how many it is an average of.
        measurement: of the field; of the average when there are several images.
        ratio: to the first row; None in the first row.
    """

    name: str
    images: int
    measurement: Measurement
    ratio: Ratio | None


def compare(
    groups: Mapping[str, Sequence[ProbeResult]],
    *,
    criterion: str = "mass",
    share: float | None = None,
    level: float = 0.95,
    resamples: int = 999,
    seed: int = 0,
) -> list[Compared]:
    """Measure each group of results and set its size against the first group's.

    A group holds one unit's results, one an image. Sizes are compared as logarithms, so that
    swapping two groups inverts their ratio. With several images each, a t test over images: paired
    when the images are the same, which removes what an image does to every network; else Welch's.
    With one image each, a z test with the bootstrap's standard errors, which says whether these
    two fields differ on this image, and nothing about other images. Equal seeds make the two share
    their noise; that is ignored, which errs on the careful side.

    Args:
        groups: results by name; the first is what the others are compared with.
        criterion, share, level, resamples, seed: as in ``measure``.

    Raises:
        SettingError: with fewer than two groups or an empty one, or ``criterion="significant"``,
            which counts patches and depends on the number of draws.
    """
    check_share(level, "level")
    if len(groups) < 2:
        raise SettingError(f"a comparison needs at least 2 results, not {len(groups)}")
    if criterion == "significant":
        raise SettingError(
            "criterion 'significant' grows with the number of draws and cannot be compared: "
            "use mass or peak"
        )
    sized = partial(measure, criterion=criterion, share=share, level=level, seed=seed)
    found = [_Group.of(results, sized, resamples) for results in groups.values()]
    ratios = [_ratio(each, found[0], level) for each in found[1:]]
    adjusted = adjust([each.p for each in ratios])
    rows: list[Ratio | None] = [None]
    rows += [replace(each, p_adjusted=p) for each, p in zip(ratios, adjusted, strict=True)]
    return [
        Compared(name, len(groups[name]), each.measurement, ratio)
        for name, each, ratio in zip(groups, found, rows, strict=True)
    ]


@dataclass(frozen=True)
class _Group:
    """One row before it is compared.

    Attributes:
        measurement: of the field, or of the average over images.
        sizes: area in each image; empty when there is only one.
        images: what tells them apart.
    """

    measurement: Measurement
    sizes: Float64[np.ndarray, " n"]
    images: list[object]

    @classmethod
    def of(
        cls, results: Sequence[ProbeResult], sized: Callable[..., Measurement], resamples: int
    ) -> _Group:
        fields = [Field.of(result) for result in results]
        several = fields if len(fields) > 1 else []
        return cls(
            sized(combine(fields), resamples=resamples),
            np.array([sized(each, resamples=0).area for each in several]),
            [image_key(result) for result in results],
        )


def _ratio(above: _Group, below: _Group, level: float) -> Ratio:
    """Over images where both have several, else over draws."""
    if len(above.sizes) > 1 and len(below.sizes) > 1:
        order = pairing(below.images, above.images)
        return ratio_over_images(above.sizes, below.sizes, order, level)
    return ratio_over_draws(above.measurement, below.measurement, level)


def combine(fields: Sequence[Field]) -> Field:
    """The field itself, or the average over images; recentred where units or sizes differ.

    Raises:
        SettingError: when there is none.
    """
    if not fields:
        raise SettingError("a group of results needs at least one result, not 0")
    if len(fields) == 1:
        return fields[0]
    alike = {(each.image_size, each.values.shape, each.center) for each in fields}
    return average(fields) if len(alike) == 1 else calibrate(fields)


def image_key(result: ProbeResult) -> object:
    """What tells images apart: their hash, or their index where there is none."""
    image = result.provenance.get("image")
    digest = image.get("sha256") if isinstance(image, Mapping) else None
    return result.plan.image_index if digest is None else digest


def pairing(first: Sequence[object], second: Sequence[object]) -> list[int] | None:
    """Where each of the first's images is in the second; None when they are not the same."""
    if len(set(first)) != len(first) or set(first) != set(second) or len(first) != len(second):
        return None
    return [list(second).index(key) for key in first]


def ratio_over_images(
    sizes: Float64[np.ndarray, " n"],
    reference: Float64[np.ndarray, " m"],
    order: Sequence[int] | None,
    level: float,
) -> Ratio:
    """Ratio of geometric means over images, by Student's t (paired, with an order) or Welch's."""
    if min(sizes.min(), reference.min()) <= 0:
        return Ratio(math.nan, math.nan, math.nan, math.nan, math.nan, "images", level)
    above, below = np.log(sizes), np.log(reference)
    if order is None:
        test = stats.ttest_ind(above, below, equal_var=False)
        method = "images"
    else:
        above = above[list(order)]
        test = stats.ttest_rel(above, below)
        method = "paired"
    center = float(above.mean() - below.mean())
    interval = test.confidence_interval(confidence_level=level)
    p = float(test.pvalue)
    return Ratio(
        math.exp(center),
        math.exp(float(interval.low)),
        math.exp(float(interval.high)),
        p,
        p,
        method,
        level,
    )


def ratio_over_draws(above: Measurement, below: Measurement, level: float) -> Ratio:
    """Ratio of two sizes on one image each, by their bootstrap standard errors."""
    top, bottom = above.size(), below.size()
    value = top.area / bottom.area if bottom.area > 0 else math.nan
    if top.interval is None or bottom.interval is None:
        return Ratio(value, math.nan, math.nan, math.nan, math.nan, "draws", level)
    if min(top.interval.corrected, bottom.interval.corrected) <= 0:
        return Ratio(value, math.nan, math.nan, math.nan, math.nan, "draws", level)
    center = math.log(top.interval.corrected / bottom.interval.corrected)
    error = math.hypot(
        top.interval.standard_error / top.interval.corrected,
        bottom.interval.standard_error / bottom.interval.corrected,
    )
    width = float(stats.norm.ppf((1 + level) / 2)) * error
    surprise = abs(center) / error if error > 0 else 0.0 if center == 0 else math.inf
    p = float(2 * stats.norm.sf(surprise))
    return Ratio(value, math.exp(center - width), math.exp(center + width), p, p, "draws", level)


def adjust(p: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's adjustment of the p-values that are known."""
    known = [value for value in p if not math.isnan(value)]
    corrected = stats.false_discovery_control(known).tolist() if known else []
    adjusted = iter(corrected)
    return [math.nan if math.isnan(value) else float(next(adjusted)) for value in p]
