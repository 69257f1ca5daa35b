"""What a preset returns: other people's numbers, by their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from erf.errors import SettingError

PixelMap = Float64[np.ndarray, "rows cols"]


@dataclass(frozen=True)
class PresetReport:
    """A published measure, computed as its authors do.

    Attributes:
        name: of the preset.
        image_size: (rows, cols) of the map; most of these numbers depend on it.
        values: by the authors' names; None where their procedure gives nothing.
        defects: what to know before comparing the numbers with anything.
    """

    name: str
    image_size: tuple[int, int]
    values: dict[str, float | None]
    defects: tuple[str, ...]


Preset = Callable[[PixelMap], PresetReport]
PRESETS: dict[str, Preset] = {}


def register(function: Preset) -> Preset:
    """Make the function available under its own name."""
    PRESETS[function.__name__] = function
    return function


def preset(name: str, raw_map: PixelMap) -> PresetReport:
    """Compute a published measure from one raw map.

    Args:
        name: ``luo``, ``zhou``, ``replknet``, ``slak``, ``vmamba`` or ``openerf``.
        raw_map: contribution of every pixel, nowhere negative, not yet transformed or scaled
            (of one image, or the mean over images).

    Raises:
        SettingError: when there is no such preset, or the map is negative somewhere or empty of
            any positive value.
    """
    if name not in PRESETS:
        raise SettingError(f"preset {name!r} is none of {', '.join(sorted(PRESETS))}")
    if not np.isfinite(raw_map).all() or raw_map.min() < 0 or raw_map.max() <= 0:
        raise SettingError(
            f"preset {name!r} needs a finite map, nowhere negative and somewhere positive; "
            f"this one runs from {raw_map.min():g} to {raw_map.max():g}"
        )
    return PRESETS[name](np.asarray(raw_map, dtype=np.float64))
