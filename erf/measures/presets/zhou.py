"""Zhou's empirical size."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from erf.measures.presets.report import PixelMap, PresetReport, register

WINDOW = 31
SHARE = 0.5


@register
def zhou(raw_map: PixelMap) -> PresetReport:
    """Zhou et al. 2015 (arXiv 1412.6856): square root of the area of a calibrated map.

    The raw map is the mean of discrepancy maps of the images that excite a unit most, recentred
    on the unit (``calibrate``), from 11x11 random occluders at stride 3. The paper does not say
    how the map becomes a size. Here: pixels above half of the peak, once of the map itself and
    once after a median filter of 31x31 pixels as a re-implementation has it.
    """
    rows, cols = raw_map.shape
    smooth = ndimage.median_filter(raw_map, size=WINDOW)

    def side(values: PixelMap) -> float | None:
        peak = float(values.max())
        return math.sqrt(np.count_nonzero(values > SHARE * peak)) if peak > 0 else None

    return PresetReport(
        "zhou",
        (rows, cols),
        {"size": side(raw_map), "size_after_median": side(smooth)},
        (
            f"the paper states no threshold: {100 * SHARE:.0f} % of the peak is this toolkit's",
            f"a median filter of {WINDOW} pixels removes any field smaller than about half of that",
        ),
    )
