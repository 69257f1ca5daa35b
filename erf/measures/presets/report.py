"""What a preset returns: other people's numbers, by their names."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from erf.errors import SettingError
from erf.measures.averaging import Several, average
from erf.measures.field import Field
from erf.registry import Registry

PixelMap = Shaped[np.ndarray, "rows cols"]


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

    def to_json(self, *, patch: int | None = None) -> str:
        """All of it as JSON, with the side of the patches that the map was made of."""
        values = {
            "preset": self.name,
            "image_size": self.image_size,
            "patch": patch,
            "values": self.values,
            "defects": self.defects,
        }
        return json.dumps(values, indent=2)


RECTIFIED = "gradient, rectified"
"""The raw map of RepLKNet's authors, and of SLaK's; see `erf.Gradient`."""
RAW_MAPS = {"replknet": RECTIFIED, "slak": RECTIFIED}
"""What the map has to be of, for presets whose numbers hang on its scale."""
Preset = Callable[[PixelMap], PresetReport]
PRESETS = Registry[Preset]("preset")


def register(function: Preset) -> Preset:
    """Make the decorated function available as a preset under its own name.

    Example:
        >>> @register
        ... def brightest(raw_map):
        ...     return PresetReport("brightest", raw_map.shape, {"peak": float(raw_map.max())}, ())
        >>> preset("brightest", np.eye(3)).values
        {'peak': 1.0}
        >>> PRESETS.remove("brightest")
    """
    return PRESETS.add(function.__name__, function)


def _check_raw(name: str, field: Field) -> None:
    """Refuse a map that is not what the authors measure, where that is known.

    Raises:
        SettingError: with what makes the right one.
    """
    wanted = RAW_MAPS.get(name, field.method)
    if field.method not in ("", wanted):
        raise SettingError(
            f"preset {name!r} is of the rectified gradient of the channels' rectified sum, and "
            f"this map is of {field.method}: probe with --method gradient --reduce rectified"
        )


def preset(name: str, raw_map: PixelMap | Several) -> PresetReport:
    """Compute a published measure from one raw map.

    Args:
        name: ``luo``, ``zhou``, ``replknet``, ``slak``, ``vmamba``, ``openerf``, or one registered
            by ``erf.extend.preset``.
        raw_map: contribution of every pixel, nowhere negative, not yet transformed or scaled
            (of one image, or the mean over images); or results, which are averaged in image
            coordinates, each pixel having the value of its patch's cell.

    Raises:
        SettingError: when there is no such preset, or the map is negative somewhere or empty of
            any positive value, or the map is known to be of another method than the preset's.

    Example:
        >>> import torch, erf
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 5, padding=2))
        >>> field = erf.gradient_field(model, torch.randn(3, 32, 32), "0")
        >>> sorted(preset("luo", field).values)
        ['central_over_peak', 'size', 'size_of_peak']
    """
    compute = PRESETS.find(name)
    if not isinstance(raw_map, np.ndarray):
        mean = average(raw_map)
        _check_raw(name, mean)
        raw_map = mean.cells.to_pixels(mean.values)
    if not np.isfinite(raw_map).all() or raw_map.min() < 0 or raw_map.max() <= 0:
        raise SettingError(
            f"preset {name!r} needs a finite map, nowhere negative and somewhere positive; "
            f"this one runs from {raw_map.min():g} to {raw_map.max():g}"
        )
    return compute(np.asarray(raw_map, dtype=np.float64))
