"""OpenERF's metrics."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64
from scipy.optimize import least_squares

from erf.measures.presets.report import PixelMap, PresetReport, register

RADII = (5, 10, 20, 30, 40, 60, 80)


@register
def openerf(raw_map: PixelMap) -> PresetReport:
    """OpenERF 0.6: centre of mass, radial cumulative mass, Gaussian fit of the map over its sum.

    The raw map is the mean gradient over colours of the channel mean at the central unit, clipped
    below at zero and summed over images. Radii are pixels around pixel (rows // 2, cols // 2), on
    whatever scale the image was resized to; the Gaussian's axes lie along rows and columns.
    """
    rows, cols = raw_map.shape
    share = raw_map / raw_map.sum()
    row, col = np.indices(raw_map.shape)
    distance = np.hypot(row - rows // 2, col - cols // 2)
    values: dict[str, float | None] = {
        "com_x": float((col * share).sum()),
        "com_y": float((row * share).sum()),
    }
    for radius in RADII:
        values[f"mass@{radius}"] = float(share[distance <= radius].sum())
    return PresetReport(
        "openerf",
        (rows, cols),
        values | fit(share),
        (
            "radii are in pixels of the resized image, around its centre and not the unit's",
            "gradients are averaged over channels and colours before they are clipped, so "
            "contributions of opposite sign cancel",
            "the Gaussian cannot turn: a slanted field is fitted by a rounder one",
        ),
    )


def fit(share: Float64[np.ndarray, "rows cols"]) -> dict[str, float | None]:
    """Axis-aligned Gaussian ``amp / (2 pi sx sy) exp(...)``, from the authors' starting point."""
    rows, cols = share.shape
    y, x = np.arange(rows)[:, None], np.arange(cols)[None, :]
    peak = float(share.max())

    def curve(p: Float64[np.ndarray, "5"]) -> Float64[np.ndarray, "rows cols"]:
        amp, xc, yc, sx, sy = p
        bell = np.exp(-((x - xc) ** 2) / (2 * sx**2) - (y - yc) ** 2 / (2 * sy**2))
        return np.asarray(amp * bell / (2 * math.pi * sx * sy))

    def residual(p: Float64[np.ndarray, "5"]) -> Float64[np.ndarray, " n"]:
        return np.asarray((share - curve(p)).ravel() / peak)

    start = [2.0, 0.8 * (cols - 1) / 2, 0.8 * (rows - 1) / 2, cols / 15, rows / 9]
    lowest = [0.0, 0.0, 0.0, 1e-6, 1e-6]
    highest = [np.inf, cols - 1, rows - 1, np.inf, np.inf]
    found = least_squares(
        residual, start, bounds=(lowest, highest), x_scale=[1.0, cols, rows, cols, rows]
    )
    variance = float(np.var(share / peak))
    explained = 1 - float(np.var(found.fun)) / variance if variance > 0 else None
    names = ("amp", "xc", "yc", "sigma_x", "sigma_y")
    return {name: float(value) for name, value in zip(names, found.x, strict=True)} | {
        "r_squared": explained
    }
