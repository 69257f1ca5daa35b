"""VMamba's map: the fifth root."""

from __future__ import annotations

import numpy as np

from erf.measures.presets.rectangle import IMAGE_CENTRED, area_ratios
from erf.measures.presets.report import PixelMap, PresetReport, register

POWER = 0.2


@register
def vmamba(raw_map: PixelMap) -> PresetReport:
    """Liu et al. 2024 (arXiv 2401.10166), ``analyze/utils.py``: A to the power 0.2, over its
    maximum, with RepLKNet's squares.

    Independent of scale, unlike the logarithm, but a value of a hundred-thousandth of the peak is
    shown as a tenth of it, so that fields look several times larger than in any other paper.
    """
    scores = np.power(raw_map, POWER)
    scores = scores / scores.max()
    rows, cols = raw_map.shape
    flattened = (
        f"the map is raised to the power {POWER}: 0.001 % of the peak counts as 10 %, and ratios "
        "cannot be compared with those of other papers"
    )
    return PresetReport(
        "vmamba", (rows, cols), area_ratios(scores, (rows, cols)), (flattened, IMAGE_CENTRED)
    )
