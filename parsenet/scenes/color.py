"""Colours by perceived lightness, chroma and hue, so that random palettes stay harmonious."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

# Björn Ottosson, "A perceptual color space for image processing" (2020): OKLab to linear sRGB.
LAB_TO_LMS = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
LMS_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def oklch(lightness: float, chroma: float, hue: float) -> Float32[np.ndarray, "3 1 1"]:
    """Return the sRGB colour, 0..1, of OKLCH coordinates; `hue` in degrees; clipped to sRGB.

    Shaped to be laid over planes of red, green and blue.
    """
    angle = np.deg2rad(hue)
    lab = np.array([lightness, chroma * np.cos(angle), chroma * np.sin(angle)])
    linear = np.clip(LMS_TO_RGB @ (LAB_TO_LMS @ lab) ** 3, 0.0, 1.0)
    curved = 1.055 * linear ** (1 / 2.4) - 0.055
    color = np.where(linear <= 0.0031308, 12.92 * linear, curved).astype(np.float32)
    return color[:, None, None]
