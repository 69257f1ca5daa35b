"""Confidence intervals for sizes: what another set of draws, or of images, could have given.

A size is a non-linear function of a noisy map, and biased: a peak is the largest of many noisy
values, an area that holds a share of the mass prefers cells that came out too high. With many
patches the bias exceeds the spread, and then percentile and BCa intervals, which sit around the
biased value, hardly ever cover the truth (with 8 draws of a single channel: 0 to 65 % of the time,
where 95 % are claimed). The *basic* bootstrap interval reflects the bootstrap distribution about
the estimate, which removes the bias to first order.

That needs a size that changes smoothly with the map. A maximum does not, and neither does an area
above a share of it: no bootstrap is consistent there. Such *irregular* sizes get a conservative
interval instead (``bootstrap_intervals``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy import stats

from erf.errors import SettingError
from erf.measures.shares import check_share
from erf.measures.shrinkage import shrink_towards_neighbours

Statistic = Callable[[Float64[np.ndarray, "*batch rows cols"]], Float64[np.ndarray, "*batch"]]
"""A size of each map of a stack."""

_BATCH_VALUES = 2**21


@dataclass(frozen=True)
class Interval:
    """An estimate with its uncertainty.

    Attributes:
        value: the size of the mean map, by definition.
        corrected: the same less its estimated sampling bias.
        standard_error: over repeated probes.
        low, high: confidence interval, never below 0. That of a smooth size is centred on
            ``corrected``: where the bias is larger than the spread, ``value`` lies outside.
        level: of confidence.
    """

    value: float
    corrected: float
    standard_error: float
    low: float
    high: float
    level: float


def resampled_means(
    samples: Float64[np.ndarray, "draws rows cols"],
    resamples: int,
    rng: np.random.Generator,
) -> Iterator[Float64[np.ndarray, "batch rows cols"]]:
    """Mean maps of bootstrap probes, in batches that fit in memory.

    Each patch is resampled by itself, as its draws are independent of its neighbours'. One draw
    fewer than measured is taken, which makes the variance of the mean unbiased (Rao and Wu 1988);
    with as many, 8 draws would give 6 % too narrow intervals.
    """
    draws, rows, cols = samples.shape
    batch = max(1, _BATCH_VALUES // (rows * cols))
    cell = np.arange(rows * cols)
    flat = samples.reshape(draws, -1)
    for start in range(0, resamples, batch):
        count = min(batch, resamples - start)
        total = np.zeros((count, rows * cols))
        for _ in range(draws - 1):
            total += flat[rng.integers(draws, size=total.shape), cell]
        yield (total / (draws - 1)).reshape(count, rows, cols)


def bootstrap_intervals(
    samples: Float64[np.ndarray, "draws rows cols"],
    statistics: Mapping[str, Statistic],
    *,
    irregular: Collection[str] = (),
    level: float = 0.95,
    resamples: int = 999,
    seed: int = 0,
) -> dict[str, Interval]:
    """Bootstrap intervals of sizes over independent draws.

    Smooth sizes get the basic interval. Irregular ones are resampled around a map that is shrunken
    to the roughness of the truth, and get an interval that reaches to both sides as far as the
    longer side needs: wider than necessary, but it covers the truth at least about as often as it
    claims.

    Args:
        samples: discrepancy of each draw; at least two draws.
        statistics: sizes by name; all are taken from the same bootstrap maps.
        irregular: names of sizes that hang on the map's maximum.
        level: of confidence.
        resamples: bootstrap maps.
        seed: of the resampling; the same seed gives the same interval.

    Raises:
        SettingError: with fewer than two draws, or a level not between 0 and 1.
    """
    _check(samples, level)
    mean = samples.mean(axis=0)
    smoothed = shrink_towards_neighbours(samples) if irregular else mean
    factor = np.where(mean > 0, smoothed / np.where(mean > 0, mean, 1), 0)
    found: dict[str, list[Float64[np.ndarray, " batch"]]] = {name: [] for name in statistics}
    for maps in resampled_means(samples, resamples, np.random.default_rng(seed)):
        around = maps * factor if irregular else maps
        for name, statistic in statistics.items():
            found[name].append(statistic(around if name in irregular else maps))
    intervals = {}
    for name, statistic in statistics.items():
        value, replicas = float(statistic(mean)), np.concatenate(found[name])
        if name in irregular:
            deviations = replicas - float(statistic(smoothed))
            intervals[name] = _conservative(value, deviations, level, len(samples))
        else:
            intervals[name] = _basic(value, replicas - value, level, len(samples))
    return intervals


def _basic(
    value: float, deviations: Float64[np.ndarray, " resamples"], level: float, draws: int
) -> Interval:
    """Reflects the deviations of bootstrap sizes about the estimate.

    The bias is estimated from the draws it is to correct, and the noise of that estimate is not
    in the bootstrap distribution. Simulations show intervals some 6 % too narrow with 8 draws and
    none with many: hence the factor.
    """
    low, high = np.quantile(deviations, [(1 - level) / 2, (1 + level) / 2])
    middle, widen = float(deviations.mean()), (1 + 1 / draws) ** 0.5
    return Interval(
        value=value,
        corrected=value - middle,
        standard_error=float(deviations.std(ddof=1)) * widen,
        low=max(0.0, value - middle - widen * (float(high) - middle)),
        high=value - middle - widen * (float(low) - middle),
        level=level,
    )


def _conservative(
    value: float, deviations: Float64[np.ndarray, " resamples"], level: float, draws: int
) -> Interval:
    """Reaches equally far to both sides.

    Not only the bias, also the map that the bootstrap starts from is estimated from the draws:
    with few of them intervals would be too short by twice as much as smooth ones.
    """
    low, high = np.quantile(deviations, [(1 - level) / 2, (1 + level) / 2])
    widen = (1 + 2 / draws) ** 0.5
    reach = widen * max(float(high), -float(low), 0.0)
    return Interval(
        value=value,
        corrected=value - float(deviations.mean()),
        standard_error=float(deviations.std(ddof=1)) * widen,
        low=max(0.0, value - reach),
        high=value + reach,
        level=level,
    )


def jackknife_intervals(
    samples: Float64[np.ndarray, "draws rows cols"],
    statistics: Mapping[str, Statistic],
    *,
    level: float = 0.95,
) -> dict[str, Interval]:
    """Intervals over few whole maps, such as one an image or one a projection.

    The maps are left out one at a time (Quenouille's bias, Tukey's standard error); the logarithm
    of the size is taken, which is less skewed and makes areas and sides agree; the interval is
    Student's, which matters for the few images one usually has. With a dozen images of very
    different fields it covers the truth in 90 to 94 % of cases where 95 % are claimed.

    Raises:
        SettingError: with fewer than two maps, or a level not between 0 and 1.
    """
    _check(samples, level)
    count = len(samples)
    mean = samples.mean(axis=0)
    width = float(stats.t.ppf((1 + level) / 2, df=count - 1))
    intervals = {}
    for name, statistic in statistics.items():
        value = float(statistic(mean))
        left_out = np.array(
            [float(statistic((count * mean - sample) / (count - 1))) for sample in samples]
        )
        if min(value, left_out.min()) <= 0:
            # One map alone makes the size: nothing is known of its spread.
            intervals[name] = Interval(value, value, np.inf, 0.0, np.inf, level)
            continue
        logs = np.log(left_out / value)
        error = float(np.sqrt((count - 1) * logs.var()))
        corrected = value * float(np.exp(-(count - 1) * logs.mean()))
        intervals[name] = Interval(
            value=value,
            corrected=corrected,
            standard_error=value * error,
            low=corrected * float(np.exp(-width * error)),
            high=corrected * float(np.exp(width * error)),
            level=level,
        )
    return intervals


def _check(samples: Float64[np.ndarray, "draws rows cols"], level: float) -> None:
    check_share(level, "level")
    if len(samples) < 2:
        raise SettingError(f"an interval needs at least 2 draws, not {len(samples)}")
