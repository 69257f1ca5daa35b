"""Luo's effective size."""

from __future__ import annotations

import math

from erf.measures.presets.report import PixelMap, PresetReport, register


@register
def luo(raw_map: PixelMap) -> PresetReport:
    """Luo et al. 2016 (arXiv 1701.04128): square root of the number of pixels above 4.55 % of the
    value at the central pixel.

    For a field that peaks in the middle, such as their averages over random weights, the central
    value is the peak and this is ``above_share_of_peak``. In one image of a trained network the
    central pixel may be any pixel: the size given the peak is reported besides.
    """
    rows, cols = raw_map.shape
    central = float(raw_map[rows // 2, cols // 2])
    peak = float(raw_map.max())
    share = 1 - 0.9545
    values: dict[str, float | None] = {
        "size": math.sqrt((raw_map > share * central).sum()) if central > 0 else None,
        "size_of_peak": math.sqrt((raw_map > share * peak).sum()),
        "central_over_peak": central / peak,
    }
    return PresetReport(
        "luo",
        (rows, cols),
        values,
        (
            "the threshold hangs on the value of one pixel, the central one of the image",
            "where the central pixel lies below the peak the size grows without the field",
        ),
    )
