"""Every setting of a probe, checked before anything runs."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from erf.errors import SettingError
from erf.geometry import UnitName

ENGINES = ("auto", "dense", "delta")


@dataclass(frozen=True)
class Plan:
    """The settings of a probe; with the image and the weights they decide every number.

    Attributes:
        layer: module path.
        unit: ``center``, ``max``, ``all`` or (row, col).
        channel: one channel, or None for the L2 norm over all.
        patch: side of a patch, pixels.
        stride: step between patches, pixels.
        draws: random realisations of the stimulus per patch.
        sigma: strength of the stimulus in the model's input space, one number or one a channel.
        stimulus: its name.
        engine: ``auto``, ``dense`` or ``delta``.
        seed: of the stimulus.
        image_index: which image of a series this is; the stimulus depends on it.
    """

    layer: str
    unit: UnitName = "center"
    channel: int | None = None
    patch: int = 16
    stride: int = 16
    draws: int = 8
    sigma: float | tuple[float, ...] = 0.1
    stimulus: str = "gaussian"
    engine: str = "auto"
    seed: int = 0
    image_index: int = 0

    def __post_init__(self) -> None:
        for name in ("patch", "stride", "draws"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} {getattr(self, name)} must be at least 1")
        for name in ("seed", "image_index"):
            if not 0 <= getattr(self, name) < 2**63:
                raise SettingError(f"{name} {getattr(self, name)} must lie in 0 to 2**63 - 1")
        sigmas = self.sigma if isinstance(self.sigma, tuple) else (self.sigma,)
        if not all(math.isfinite(sigma) and sigma > 0 for sigma in sigmas):
            raise SettingError(f"sigma {self.sigma} must be positive and finite")
        if self.engine not in ENGINES:
            raise SettingError(f"engine {self.engine!r} is none of {', '.join(ENGINES)}")

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible dictionary; ``from_json`` reads it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Plan:
        """The plan that ``to_json`` wrote."""
        values = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**values)
