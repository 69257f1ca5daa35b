"""RepLKNet's high-contribution area ratio."""

from __future__ import annotations

import numpy as np

from erf.measures.presets.rectangle import IMAGE_CENTRED, area_ratios
from erf.measures.presets.report import PixelMap, PresetReport, register

SCALE_DEPENDENT = (
    "log10(1 + score) depends on the scale of the gradient: where scores are far below 1 it is "
    "linear, where they are large it flattens the map; one and the same Gaussian gives ratios from "
    "0.061 to 0.333 when it is merely multiplied by a number"
)


@register
def replknet(raw_map: PixelMap) -> PresetReport:
    """Ding et al. 2022 (arXiv 2203.06717), ``erf/analyze_erf.py``.

    The raw map is the authors' A: gradients of the rectified channel sum at the central position
    with respect to the image, rectified, summed over colours, averaged over 50 images resized to
    1024x1024. Its logarithm log10(A + 1), scaled to a maximum of 1, is summed over growing squares
    around the image's centre; r is the area ratio of the first that holds more than a share t.

    Two defects. The logarithm makes r depend on the gradient's scale, which has nothing to do with
    where a network looks. The squares are centred on the image and not on the unit: at an even
    number of units the central one lies half a stride off. A ConvNeXt-T of random weights on noise
    of 512x512 pixels gets r = 0.0077 at t = 0.5, and 0.0020 by squares around its unit.
    """
    scores = np.log10(raw_map + 1)
    scores = scores / scores.max()
    rows, cols = raw_map.shape
    return PresetReport(
        "replknet",
        (rows, cols),
        area_ratios(scores, (rows, cols)),
        (SCALE_DEPENDENT, IMAGE_CENTRED),
    )
