"""Definitions of a field's size that repeated draws give an interval for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float64

from erf.errors import SettingError
from erf.measures.cells import Cells
from erf.measures.intervals import Statistic
from erf.measures.levels import LUO_SHARE, above_share_of_peak
from erf.measures.mass import TWO_SIGMA, mass_area
from erf.measures.participation import participation_area
from erf.measures.shares import check_share
from erf.measures.square import centred_square, square_inside_image

CRITERIA = ("mass", "peak", "significant")
"""What ``area`` may stand for."""

SQUARE_SHARES = (0.2, 0.3, 0.5, 0.99)
"""Shares for which RepLKNet's authors give centred squares."""


@dataclass(frozen=True)
class Definition:
    """A size of a map.

    Attributes:
        name: such as ``mass:0.9545``.
        meaning: in words, with the threshold.
        area: of one map or a stack of them, pixels.
        side: likewise, where it is not the square root of the area.
        regular: whether it changes smoothly with the map (see ``intervals``).
    """

    name: str
    meaning: str
    area: Statistic
    side: Statistic | None = None
    regular: bool = True


def mass_definition(areas: Float64[np.ndarray, "rows cols"], share: float) -> Definition:
    """Smallest area that holds a share of the mass."""
    check_share(share)
    meaning = f"smallest area with {100 * share:.6g} % of the mass"
    return Definition(f"mass:{share:.6g}", meaning, partial(mass_area, areas=areas, share=share))


def peak_definition(areas: Float64[np.ndarray, "rows cols"], share: float) -> Definition:
    """Area above a share of the peak."""
    check_share(share)
    meaning = f"area above {100 * share:.6g} % of the peak"
    area = partial(above_share_of_peak, areas=areas, share=share)
    return Definition(f"peak:{share:.6g}", meaning, area, regular=False)


def participation_definition(areas: Float64[np.ndarray, "rows cols"]) -> Definition:
    """Participation area."""
    area = partial(participation_area, areas=areas)
    return Definition("participation", "participation area", area)


def square_definition(cells: Cells, center: tuple[float, float], share: float) -> Definition:
    """Centred square that holds a share of the mass; its area is the part inside the image."""
    check_share(share)
    side = partial(centred_square, cells=cells, center=center, share=share)

    def area(maps: Float64[np.ndarray, "*batch rows cols"]) -> Float64[np.ndarray, "*batch"]:
        return square_inside_image(cells, center, side(maps))

    meaning = f"smallest square around the unit with {100 * share:.6g} % of the mass"
    return Definition(f"square:{share:.6g}", meaning, area, side)


def define_sizes(
    cells: Cells,
    center: tuple[float, float],
    *,
    criterion: str,
    share: float | None,
    mass_shares: Sequence[float],
    peak_shares: Sequence[float],
) -> list[Definition]:
    """All sizes to compute, the criterion's first, none twice.

    Raises:
        SettingError: when a share or the criterion is out of range.
    """
    if criterion not in CRITERIA:
        raise SettingError(f"criterion {criterion!r} is none of {', '.join(CRITERIA)}")
    areas = cells.areas
    sizes = [mass_definition(areas, each) for each in mass_shares]
    sizes += [peak_definition(areas, each) for each in peak_shares]
    sizes.append(participation_definition(areas))
    sizes += [square_definition(cells, center, each) for each in SQUARE_SHARES]
    if criterion == "mass":
        sizes.insert(0, mass_definition(areas, TWO_SIGMA if share is None else share))
    elif criterion == "peak":
        sizes.insert(0, peak_definition(areas, LUO_SHARE if share is None else share))
    elif share is not None:
        raise SettingError(f"share {share} has no meaning with criterion 'significant': use alpha")
    return list({size.name: size for size in sizes}.values())
