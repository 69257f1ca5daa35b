"""How many draws: a number, one by one, or until the size is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True)
class OneByOne:
    """Take draws one after the other, so that each can be looked at before the next.

    What is computed together is rounded together: the draws of ``draws=8`` share their passes, and
    differ by rounding from those of ``draws=2``. Taken one by one, a draw has the same bits however
    many follow it; the price is that patches cannot share what their draws have in common.

    Attributes:
        count: how many.

    Example:
        >>> import erf
        >>> erf.Noise(patch=8, draws=erf.OneByOne(4)).draws
        OneByOne(count=4)
    """

    count: int = 8

    def __post_init__(self) -> None:
        if isinstance(self.count, bool) or not isinstance(self.count, int) or self.count < 1:
            raise SettingError(f"draws one by one {self.count!r} must be a whole number above 0")


Rule = int | Until | OneByOne
"""How many draws, as settings keep it."""


def rule_to_json(rule: Rule) -> Any:
    """JSON-compatible; `rule_from_json` reads it back."""
    if isinstance(rule, Until):
        return {"tolerance": rule.tolerance, "limit": rule.limit}
    return {"one_by_one": rule.count} if isinstance(rule, OneByOne) else rule


def rule_from_json(value: Any) -> Any:
    """A rule that `rule_to_json` wrote, or whatever else stands for draws.

    Example:
        >>> rule_from_json({"one_by_one": 4}), rule_from_json(8)
        (OneByOne(count=4), 8)
    """
    if not isinstance(value, Mapping):
        return value
    return OneByOne(value["one_by_one"]) if "one_by_one" in value else Until(**value)


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
