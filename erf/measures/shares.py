"""Shares: numbers strictly between 0 and 1."""

from __future__ import annotations

from erf.errors import SettingError


def check_share(share: float, name: str = "share") -> None:
    """Raise SettingError unless ``0 < share < 1``."""
    if not 0 < share < 1:
        raise SettingError(f"{name} {share} must lie between 0 and 1 (a tenth is 0.1, not 10)")
