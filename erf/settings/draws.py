"""How many draws: a number, or until the size is known."""

from __future__ import annotations

from dataclasses import dataclass

from erf.errors import SettingError


@dataclass(frozen=True)
class Until:
    """Take draws until the size of every unit is known well enough.

    Attributes:
        tolerance: wanted half-width of the size's 95 % interval, relative to the size.
        limit: no more draws than this.
    """

    tolerance: float = 0.02
    limit: int = 64

    def __post_init__(self) -> None:
        if not self.tolerance > 0:
            raise SettingError(f"tolerance {self.tolerance} must be positive")
        if self.limit < 2:
            raise SettingError(f"limit {self.limit} must be at least 2 draws: one has no spread")


def until(tolerance: float = 0.02, *, limit: int = 64) -> Until:
    """As many draws as make the 95 % interval of a size narrower than twice the tolerance.

    Args:
        tolerance: half-width of the interval, relative to the size.
        limit: no more draws than this.

    Raises:
        SettingError: the tolerance is not positive, or the limit below 2.

    Example:
        >>> import erf
        >>> erf.Noise(patch=8, draws=until(0.05)).draws
        Until(tolerance=0.05, limit=64)
    """
    return Until(tolerance, limit)
