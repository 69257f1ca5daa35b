"""Theoretical fields of a layer, made from a formula instead of a model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from erf.geometry import Box
from erf.theoretical import TheoreticalField


def theory_of_boxes(
    image_size: tuple[int, int], units: tuple[int, int], box: Callable[[tuple[int, int]], Box]
) -> TheoreticalField:
    """The fields of a layer whose units have these unclipped boxes."""

    def boxes(clipped: bool) -> np.ndarray:
        found = np.zeros((*units, 4), dtype=np.int64)
        for unit in np.ndindex(*units):
            whole = box((unit[0], unit[1]))
            shown = whole.clip(image_size) if clipped else whole
            found[unit] = shown.top, shown.left, shown.bottom, shown.right
        return found

    return TheoreticalField(
        layer="conv",
        image_size=image_size,
        units=units,
        size=box((0, 0)).size,
        stride=(None, None),
        padding=(None, None),
        status="exact",
        reasons=(),
        channel_dim=1,
        _clipped=lambda: boxes(True),
        _unclipped=lambda: boxes(False),
        _support=None,
    )
