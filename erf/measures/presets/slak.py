"""SLaK's high-contribution area ratio."""

from __future__ import annotations

import numpy as np

from erf.measures.presets.rectangle import IMAGE_CENTRED, area_ratios
from erf.measures.presets.replknet import SCALE_DEPENDENT
from erf.measures.presets.report import PixelMap, PresetReport, register


@register
def slak(raw_map: PixelMap) -> PresetReport:
    """Liu et al. 2022 (arXiv 2207.03620), ``erf/analyze_erf.py``.

    RepLKNet's measure, except that a side is divided by 1024 whatever the image measures: right at
    1024x1024 only. (The figures of the paper are drawn without the logarithm; the ratios use it.)
    """
    scores = np.log10(raw_map + 1)
    scores = scores / scores.max()
    rows, cols = raw_map.shape
    fixed = f"sides are divided by 1024, but this map is {rows}x{cols}"
    defects: tuple[str, ...] = (SCALE_DEPENDENT, IMAGE_CENTRED)
    if (rows, cols) != (1024, 1024):
        defects = (*defects, fixed)
    return PresetReport("slak", (rows, cols), area_ratios(scores, (1024, 1024)), defects)
