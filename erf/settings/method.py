"""What the settings of all methods have in common."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from erf.errors import SettingError
from erf.settings.draws import OneByOne, Until, rule_to_json
from erf.settings.given import NamedStimulus, OtherImage


@dataclass(frozen=True)
class Method:
    """What all settings have in common: see `Noise`, `Occlusion`, `Gradient`.

    Attributes:
        method: its name, by class.
        joint: whether a draw is one event for the whole map, so that intervals resample it whole;
            else each patch has independent draws of its own.
    """

    method: ClassVar[str]
    joint: ClassVar[bool]

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible; `settings_from_json` reads it back."""
        return {"method": self.method} | {
            each.name: _plain(getattr(self, each.name)) for each in fields(self)
        }


def _plain(value: Any) -> Any:
    if isinstance(value, Until | OneByOne):
        return rule_to_json(value)
    if isinstance(value, NamedStimulus):
        return {"name": value.name, "source_sha256": value.source_sha256}
    if isinstance(value, OtherImage):
        return {"sha256": value.sha256}
    return list(value) if isinstance(value, tuple) else value


def check_whole(name: str, value: Any, least: int, most: int | None = None) -> None:
    """Refuse what is no whole number, or lies below ``least`` or above ``most``."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise SettingError(f"{name} {value!r} must be a whole number")
    if most is None and value < least:
        raise SettingError(f"{name} {value} must be at least {least}")
    if most is not None and not least <= value <= most:
        raise SettingError(f"{name} {value} must lie in {least} to 2**63 - 1")
