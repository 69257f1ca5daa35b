"""Shrinkage: a map as rough as the truth, not as rough as its estimate."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64
from scipy import ndimage

_NEAR_PEAK = 0.3
"""Only patches above this share of the peak compete for being the largest."""


def shrink_towards_neighbours(
    samples: Float64[np.ndarray, "draws rows cols"],
) -> Float64[np.ndarray, "rows cols"]:
    """The mean map, drawn towards the mean of the eight neighbours by the part that is noise.

    Means over few draws scatter more than what they estimate, so a bootstrap that starts from
    them sees a peak that stands out and misses how much noise alone raises a maximum. James and
    Stein's remedy, with relative deviations near the peak: their variance less that of the draws
    is the map's own roughness. A map with texture of its own stays as it is.

    Args:
        samples: discrepancy of each draw, at least two.
    """
    mean = samples.mean(axis=0)
    positive = mean > 0
    top = positive & (mean > _NEAR_PEAK * mean.max())
    if top.sum() < 2:
        return mean
    ring = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    count = ndimage.convolve(positive.astype(np.float64), ring, mode="constant")
    around = ndimage.convolve(mean, ring, mode="constant") / np.maximum(count, 1)
    noise = np.mean(samples.var(axis=0, ddof=1)[top] / len(samples) / mean[top] ** 2)
    # The mean of eight neighbours carries an eighth of the variance itself.
    scatter = np.mean(((mean - around)[top] / mean[top]) ** 2) / (1 + 1 / 8)
    own = max(0.0, float(scatter - noise))
    weight = own / (own + noise) if own + noise > 0 else 1.0
    return np.where(positive, weight * mean + (1 - weight) * around, 0.0)
