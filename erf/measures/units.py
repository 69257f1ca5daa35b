"""Whole layers: from the influence of every patch on every unit to fields of units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from erf.errors import UnitError
from erf.measures.averaging import calibrate
from erf.measures.cells import Cells
from erf.measures.field import Field
from erf.measures.mass import mass_area
from erf.results import LayerResult, UnitResult
from erf.theoretical.field import TheoreticalField

Unit = tuple[int, int]


def interior_units(result: LayerResult) -> list[Unit]:
    """Units whose theoretical field lies wholly inside the image.

    Raises:
        UnitError: when the result is of one unit, or no theory is known.
    """
    return _theory(_whole(result)).interior()


def interior_average(result: LayerResult) -> Field:
    """Mean field of a layer's interior units, recentred: the layer's typical unit.

    Units near the border see less image and more padding; they are left out. The units share the
    draws of one probe, so the average has no interval: take several images and ``average`` or
    ``calibrate`` their interior averages for one.

    Raises:
        UnitError: when the result is of one unit, or no unit is interior.
    """
    units = interior_units(result)
    if not units:
        rows, cols = result.image_size
        raise UnitError(
            f"no unit of {result.target.layer!r} has its whole theoretical field inside the "
            f"{rows}x{cols} image: take a larger image or average chosen units with calibrate"
        )
    mean = calibrate([result.unit(unit) for unit in units])
    label = f"{result.target.layer}, mean of {len(units)} interior units"
    return replace(mean, samples=None, label=label)


def unit_sizes(
    result: LayerResult | UnitResult,
    size: Callable[
        [Float64[np.ndarray, "rows cols"], Float64[np.ndarray, "rows cols"]],
        Float64[np.ndarray, ""],
    ] = mass_area,
) -> Float64[np.ndarray, "unit_rows unit_cols"]:
    """Area of every unit's field, pixels: the layer as a map of sizes.

    Args:
        result: of a whole layer.
        size: of a map, given the map and the cells' areas.

    Raises:
        UnitError: when the result is of one unit.

    Example:
        >>> import torch, erf
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, stride=8))
        >>> layer = erf.probe(model, torch.randn(3, 24, 24), "0", unit="all", patch=8)
        >>> unit_sizes(layer).shape
        (3, 3)
    """
    result = _whole(result)
    areas = Cells.of(result.grid).areas
    sizes = np.zeros(result.unit_count)
    for unit in result.units():
        sizes[unit] = size(Field.of(result.unit(unit)).clean, areas)
    return sizes


def _whole(result: LayerResult | UnitResult) -> LayerResult:
    if isinstance(result, UnitResult):
        raise UnitError(f"result of {result.target} is of one unit; probe the layer with unit all")
    return result


def _theory(result: LayerResult) -> TheoreticalField:
    if result.theory is None or not result.theory.border_known:
        raise UnitError(
            f"which units of {result.target.layer!r} are interior is not known: the model has no "
            "graph, so no theoretical fields"
        )
    return result.theory
