"""Settings of the gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from erf.errors import SettingError
from erf.settings.method import Method, check_whole

REDUCTIONS = ("absolute", "squared", "rectified")


@dataclass(frozen=True)
class Gradient(Method):
    """The derivative of a unit with respect to every pixel (Luo et al. 2016).

    Attributes:
        reduce: over colours: ``absolute`` sums |gradient| (Luo et al. 2016); ``squared`` sums its
            square, sigma² of which is the mean squared discrepancy of weak noise; ``rectified`` is
            RepLKNet's raw map, the positive part of the gradient of the channels' rectified sum,
            without projections.
        projections: how many random ones stand for the channels of a unit without a channel.
        seed: of the projections.

    Raises:
        SettingError: naming a field that is out of range, its value and its limit.

    Example:
        >>> Gradient(reduce="sum")
        Traceback (most recent call last):
        erf.errors.SettingError: reduce 'sum' is none of absolute, squared, rectified
    """

    method: ClassVar[str] = "gradient"
    joint: ClassVar[bool] = True
    patch: ClassVar[int] = 1
    step: ClassVar[int] = 1

    reduce: str = "absolute"
    projections: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        if self.reduce not in REDUCTIONS:
            raise SettingError(f"reduce {self.reduce!r} is none of {', '.join(REDUCTIONS)}")
        check_whole("projections", self.projections, 1)
        check_whole("seed", self.seed, 0, 2**63 - 1)
