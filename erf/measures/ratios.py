"""One field's size over another's, and whether the ratio differs from 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Float64
from scipy import stats

from erf.measures.measurement import Measurement


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

    def plain(self) -> dict[str, object]:
        """In JSON's types; what is unknown is None."""
        values: dict[str, object] = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in asdict(self).items()
        }
        return values | {"significant": self.significant}


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
