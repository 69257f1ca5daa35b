"""Size, stride and padding: what many intervals have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64


@dataclass(frozen=True)
class Geometry:
    """Size, stride and padding along one axis, as in `TheoreticalField`."""

    size: int
    stride: int | None
    padding: int | None


def geometry_of(
    first: Int64[np.ndarray, "n others"], last: Int64[np.ndarray, "n others"], zero: int
) -> Geometry:
    """Geometry of intervals along one axis, which comes first.

    Args:
        first: start of each unit's field.
        last: its end.
        zero: where the layer's first unit stands among them, negative if before them.
    """
    steps, sizes = np.diff(first, axis=0), last - first
    size = max(int(sizes.max()), 0)
    if not steps.size or np.ptp(steps) or np.ptp(sizes) or steps[0, 0] == 0:
        return Geometry(size, None, None)
    stride = int(steps[0, 0])
    return Geometry(size, stride, -int(first[0, 0]) - zero * stride)
