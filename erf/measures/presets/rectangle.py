"""The squares around the image's centre that RepLKNet introduced and others took over."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

THRESHOLDS = (0.2, 0.3, 0.5, 0.99)

IMAGE_CENTRED = (
    "squares lie around the image's centre (rows // 2, cols // 2), which is not the unit's: "
    "a field that sits elsewhere looks larger than it is"
)


def square_around_image_center(
    scores: Float64[np.ndarray, "rows cols"], threshold: float
) -> int | None:
    """Side of the smallest square of side 3, 5, ... around pixel (rows // 2, cols // 2) that holds
    more than ``threshold`` of the sum; None where no square inside the image does.

    Squares of 2 i + 1 pixels are tried for i from 1 to rows // 2 - 1: the smallest answer is 3.
    """
    rows, cols = scores.shape
    # Summed-area table: the sum over any box is a difference of four entries.
    table = np.zeros((rows + 1, cols + 1))
    table[1:, 1:] = scores.cumsum(axis=0).cumsum(axis=1)
    half = np.arange(1, rows // 2)
    top, bottom = rows // 2 - half, rows // 2 + 1 + half
    # In an image narrower than high a negative left border counts from the right end, as an array
    # slice does in the authors' program.
    left = cols // 2 - half
    left = np.where(left < 0, np.maximum(left + cols, 0), left)
    right = np.minimum(cols // 2 + 1 + half, cols)
    sums = table[bottom, right] - table[top, right] - table[bottom, left] + table[top, left]
    enough = np.flatnonzero(sums / table[-1, -1] > threshold)
    return int(2 * half[enough[0]] + 1) if len(enough) else None


def area_ratios(
    scores: Float64[np.ndarray, "rows cols"], image_size: tuple[int, int]
) -> dict[str, float | None]:
    """Side and area ratio r at every threshold, the ratio to an image of ``image_size``."""
    values: dict[str, float | None] = {}
    for threshold in THRESHOLDS:
        side = square_around_image_center(scores, threshold)
        values[f"side@{threshold:g}"] = side
        values[f"r@{threshold:g}"] = (
            None if side is None else side / image_size[0] * side / image_size[1]
        )
    return values
