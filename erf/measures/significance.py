"""Which patches are heard at all: a test of every patch, with false-discovery control."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64
from scipy import stats

from erf.errors import SettingError
from erf.measures.shares import check_share


def p_values(
    samples: Float64[np.ndarray, "draws rows cols"], floor: float = 0.0
) -> Float64[np.ndarray, "rows cols"]:
    """One-sided p-value of each patch: is its mean discrepancy above the floor?

    Student's t over draws. Discrepancies are skewed to the right, which makes the test
    conservative in this direction: under the hypothesis of no effect small p-values are rarer
    than their level. Where all draws agree exactly there is nothing to test: p is 0 above the
    floor and 1 otherwise, which with a floor of zero is what an exact engine means.

    Args:
        samples: discrepancy of each draw.
        floor: what rounding alone can show.

    Raises:
        SettingError: with fewer than two draws.
    """
    draws = len(samples)
    if draws < 2:
        raise SettingError(f"a test of each patch needs at least 2 draws, not {draws}")
    mean = samples.mean(axis=0)
    error = samples.std(axis=0, ddof=1) / np.sqrt(draws)
    with np.errstate(divide="ignore", invalid="ignore"):
        tail = stats.t.sf((mean - floor) / error, df=draws - 1)
    return np.where(error > 0, tail, np.where(mean > floor, 0.0, 1.0))


def inside_significant(
    samples: Float64[np.ndarray, "draws rows cols"], floor: float = 0.0, alpha: float = 0.05
) -> Bool[np.ndarray, "rows cols"]:
    """Patches significantly heard, at a false-discovery rate of ``alpha``.

    Benjamini and Hochberg 1995: of the patches called heard, at most a share ``alpha`` is expected
    not to be; without any effect the chance of calling even one is at most ``alpha``. Patches have
    independent draws, as the procedure assumes.

    This asks whether a patch is heard at all, not how much. With an exact engine nearly all of
    the theoretical field is; the answer grows with the number of draws, a share of the mass does
    not.

    Raises:
        SettingError: with fewer than two draws, or ``alpha`` not between 0 and 1.
    """
    check_share(alpha, "alpha")
    p = p_values(samples, floor)
    adjusted = stats.false_discovery_control(p.ravel(), method="bh").reshape(p.shape)
    return np.asarray(adjusted <= alpha)
