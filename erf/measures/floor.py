"""The numerical floor: the discrepancy that rounding alone can show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64


@dataclass(frozen=True)
class Floor:
    """The largest discrepancy that may be rounding.

    Attributes:
        value: in the unit of the discrepancy.
        source: ``exact`` (zero by construction), ``outside`` (the largest value among patches
            outside the theoretical field) or ``precision`` (float32 rounding of the activation,
            where no patch lies outside).
    """

    value: float
    source: str


NO_FLOOR = Floor(0.0, "exact")


def numerical_floor(
    discrepancy: Float64[np.ndarray, "rows cols"],
    reachable: Bool[np.ndarray, "rows cols"] | None,
    *,
    exact: bool,
    activation: float,
) -> Floor:
    """The floor of a measured map.

    Running the disturbed image and subtracting leaves the difference of two rounded numbers: a
    patch that cannot reach the unit may show it, and within the field nothing smaller can be
    believed. Delta propagation and gradients give exact zeros instead.

    Args:
        discrepancy: mean over draws.
        reachable: patches that touch the theoretical field, None when that is unknown.
        exact: whether the engine gives exactly zero where there is no influence.
        activation: clean response of the unit (its norm), for the bound of last resort.
    """
    if exact:
        return Floor(0.0, "exact")
    if reachable is not None and not reachable.all():
        return Floor(float(discrepancy[~reachable].max()), "outside")
    return Floor(float(np.finfo(np.float32).eps) * activation, "precision")
