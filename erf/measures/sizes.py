"""What "the size of a field" can mean: an open list, which anybody may add to.

A size is a function ``(maps, cells, center, share) -> areas`` of one map or a stack of them.
Registering one's own takes one line above it: ``@size("name", meaning="...")``; it is then measured
with all others, has intervals, and can be the criterion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from erf.registry import Registry

Maps = Float64[np.ndarray, "*batch rows cols"]
Areas = Float64[np.ndarray, "*batch"]
Area = Callable[[Maps, Cells, tuple[float, float], float | None], Areas]

SIGNIFICANT = "significant"
"""The one size that is a test and not a function of the mean map; see ``significant_size``."""

REPORTED = (
    *("mass:0.5", "mass:0.9", f"mass:{TWO_SIGMA:g}"),
    *(f"peak:{LUO_SHARE:g}", "peak:0.1", "peak:0.5", "participation"),
    *("square:0.2", "square:0.3", "square:0.5", "square:0.99"),
)
"""What ``measure`` reports besides its criterion; squares at the shares of RepLKNet's authors."""


@dataclass(frozen=True)
class SizeKind:
    """One meaning of size.

    Attributes:
        name: such as ``mass``.
        meaning: in words, ``{share}`` standing for the share in percent.
        area: of maps, pixels.
        side: likewise, where it is not the square root of the area.
        share: by default; None for a size without one.
        regular: whether it changes smoothly with the map (see ``intervals``).
    """

    name: str
    meaning: str
    area: Area
    side: Area | None = None
    share: float | None = None
    regular: bool = True


@dataclass(frozen=True)
class Definition:
    """A kind of size with its share, on one layout.

    Attributes:
        name: such as ``mass:0.9545``.
        meaning: in words, with the share.
        area: of one map or a stack of them, pixels.
        side: likewise, where it is not the square root of the area.
        regular: whether it changes smoothly with the map.
    """

    name: str
    meaning: str
    area: Statistic
    side: Statistic | None = None
    regular: bool = True


SIZES = Registry[SizeKind]("size")


def size(
    name: str,
    *,
    meaning: str,
    share: float | None = None,
    side: Area | None = None,
    regular: bool = True,
) -> Callable[[Area], Area]:
    """Register the decorated function as the size ``name``.

    Args:
        name: without a colon.
        meaning: in words; ``{share}`` stands for the share in percent.
        share: by default, for a size that takes one (``name:0.5`` asks for another).
        side: of maps, where it is not the square root of the area.
        regular: False for a size that hangs on the map's maximum, whose intervals must be wider.

    Example:
        >>> import numpy as np, torch, erf
        >>> @size("patches", meaning="area of all patches that are heard at all")
        ... def patches(maps, cells, center, share):
        ...     return ((maps > 0) * cells.areas).sum(axis=(-2, -1))
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1))
        >>> result = erf.probe(model, torch.randn(3, 24, 24), "0", patch=8)
        >>> erf.measure(result, criterion="patches").area
        64.0
        >>> SIZES.remove("patches")
    """
    if ":" in name or name == SIGNIFICANT:
        raise SettingError(f"size {name!r} must be a new name without a colon")

    def register(area: Area) -> Area:
        SIZES.add(name, SizeKind(name, meaning, area, side, share, regular))
        return area

    return register


@size("mass", meaning="smallest area with {share} % of the mass", share=TWO_SIGMA)
def _mass(maps: Maps, cells: Cells, center: tuple[float, float], share: float | None) -> Areas:
    assert share is not None
    return mass_area(maps, areas=cells.areas, share=share)


@size("peak", meaning="area above {share} % of the peak", share=LUO_SHARE, regular=False)
def _peak(maps: Maps, cells: Cells, center: tuple[float, float], share: float | None) -> Areas:
    assert share is not None
    return above_share_of_peak(maps, areas=cells.areas, share=share)


@size("participation", meaning="participation area")
def _participation(
    maps: Maps, cells: Cells, center: tuple[float, float], share: float | None
) -> Areas:
    return participation_area(maps, areas=cells.areas)


def _square_side(
    maps: Maps, cells: Cells, center: tuple[float, float], share: float | None
) -> Areas:
    assert share is not None
    return centred_square(maps, cells=cells, center=center, share=share)


@size(
    "square",
    meaning="smallest square around the unit with {share} % of the mass",
    share=0.5,
    side=_square_side,
)
def _square(maps: Maps, cells: Cells, center: tuple[float, float], share: float | None) -> Areas:
    """Its area is the part inside the image."""
    return square_inside_image(cells, center, _square_side(maps, cells, center, share))


SIZES.seal()


def define(
    name: str, cells: Cells, center: tuple[float, float], share: float | None = None
) -> Definition:
    """The size of this name on a layout.

    Args:
        name: ``mass``, or with a share ``mass:0.5``.
        cells: of the map.
        center: of the unit, (row, col), pixels.
        share: instead of the kind's own.

    Raises:
        SettingError: when there is no such size, or the share is out of range.
    """
    head, _, tail = name.partition(":")
    kind = SIZES.find(head)
    if tail:
        share = _number(name, tail)
    if kind.share is None:
        if share is not None:
            raise SettingError(f"size {head!r} takes no share, so not {share:g}")
        return _define(kind, head, kind.meaning, cells, center, None)
    share = kind.share if share is None else share
    check_share(share)
    meaning = kind.meaning.replace("{share}", f"{100 * share:.6g}")
    return _define(kind, f"{head}:{share:.6g}", meaning, cells, center, share)


def _define(
    kind: SizeKind,
    name: str,
    meaning: str,
    cells: Cells,
    center: tuple[float, float],
    share: float | None,
) -> Definition:
    known = {"cells": cells, "center": center, "share": share}
    side = None if kind.side is None else partial(kind.side, **known)
    return Definition(name, meaning, partial(kind.area, **known), side, kind.regular)


def define_sizes(
    cells: Cells,
    center: tuple[float, float],
    *,
    criterion: str = "mass",
    share: float | None = None,
    sizes: Sequence[str] | None = None,
) -> list[Definition]:
    """All sizes to compute, the criterion's first, none twice.

    Args:
        cells: of the map.
        center: of the unit, (row, col), pixels.
        criterion: a size's name, or ``significant``, which is none of these.
        share: of the criterion.
        sizes: names of further ones; by default those of ``REPORTED`` and all that were registered
            by others.

    Raises:
        SettingError: when a share, a size or the criterion is not known or out of range.
    """
    if sizes is None:
        kinds = {name.partition(":")[0] for name in REPORTED}
        sizes = [*REPORTED, *(name for name in SIZES if name not in kinds)]
    found = [define(name, cells, center) for name in sizes]
    if criterion == SIGNIFICANT:
        if share is not None:
            raise SettingError(
                f"share {share} has no meaning with criterion {criterion!r}: use alpha"
            )
    else:
        if criterion.partition(":")[0] not in SIZES:
            known = ", ".join([*SIZES, SIGNIFICANT])
            raise SettingError(f"criterion {criterion!r} is none of {known}")
        found.insert(0, define(criterion, cells, center, share))
    return list({each.name: each for each in found}.values())


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise SettingError(f"size {name!r}: {text!r} is not a share such as 0.5") from None
