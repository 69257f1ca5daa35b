"""Whole layers: from the influence of every patch on every unit to fields of units."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from jaxtyping import Float64

from erf.errors import UnitError
from erf.geometry import Box, Target
from erf.measures.averaging import calibrate
from erf.measures.cells import Cells
from erf.measures.field import Field
from erf.measures.mass import mass_area
from erf.result import ProbeResult, TheoreticalExtent

Unit = tuple[int, int]


class UnitTheory(Protocol):
    """What is known of the theoretical fields of a layer (``erf.theoretical`` provides it)."""

    @property
    def status(self) -> str:
        """``exact``, ``upper_bound`` or ``whole_image``."""
        ...

    def box(self, unit: Unit, *, clipped: bool = True) -> Box:
        """Pixels that a unit reads; if not clipped, as if the image had no border."""
        ...


def unit_field(result: ProbeResult, unit: Unit, theory: UnitTheory | None = None) -> Field:
    """One unit's field out of a whole layer's influence.

    Only means over draws are kept for a layer, so its measurement has no intervals.

    Args:
        result: of a whole layer.
        unit: (row, col).
        theory: of the layer, the result's own unless given; without one, the centre is the unit's
            place in the layer, scaled.

    Raises:
        UnitError: when the result is of one unit, or the unit is outside the layer.
    """
    rows, cols = _layer_size(result)
    if not (0 <= unit[0] < rows and 0 <= unit[1] < cols):
        raise UnitError(
            f"unit {unit[0]},{unit[1]} is outside layer {result.target.layer!r}, which has "
            f"{rows}x{cols} units (0,0 to {rows - 1},{cols - 1})"
        )
    extent, theory = None, theory or result.layer_theory
    if theory is not None:
        whole = theory.status == "whole_image"
        extent = TheoreticalExtent(
            box=theory.box(unit),
            unclipped=None if whole else theory.box(unit, clipped=False),
            status=theory.status,
        )
    single = ProbeResult(
        discrepancy=result.discrepancy[:, :, unit[0], unit[1]],
        standard_error=result.standard_error[:, :, unit[0], unit[1]],
        samples=None,
        target=Target(result.target.layer, unit, result.target.channel),
        plan=result.plan,
        activation=result.activation,
        image=result.image,
        theory=extent,
        provenance=result.provenance,
    )
    return Field.of(single)


def interior_units(result: ProbeResult, theory: UnitTheory) -> list[Unit]:
    """Units whose theoretical field lies wholly inside the image.

    Raises:
        UnitError: when the result is of one unit.
    """
    return [unit for unit in _units(result) if theory.box(unit) == theory.box(unit, clipped=False)]


def interior_average(result: ProbeResult, theory: UnitTheory) -> Field:
    """Mean field of a layer's interior units, recentred: the layer's typical unit.

    Units near the border see less image and more padding; they are left out. The units share the
    draws of one probe, so the average has no interval: take several images and ``average`` or
    ``calibrate`` their interior averages for one.

    Raises:
        UnitError: when the result is of one unit, or no unit is interior.
    """
    units = interior_units(result, theory)
    if not units:
        rows, cols = result.image.shape[-2:]
        raise UnitError(
            f"no unit of {result.target.layer!r} has its whole theoretical field inside the "
            f"{rows}x{cols} image: take a larger image or average chosen units with calibrate"
        )
    mean = calibrate([unit_field(result, unit, theory) for unit in units])
    return Field(
        values=mean.values,
        cells=mean.cells,
        image_size=mean.image_size,
        center=mean.center,
        center_from=mean.center_from,
        theory=mean.theory,
        label=f"{result.target.layer}, mean of {len(units)} interior units",
        theory_status=mean.theory_status,
        patch=mean.patch,
        stride=mean.stride,
    )


def unit_sizes(
    result: ProbeResult,
    theory: UnitTheory | None = None,
    size: Callable[
        [Float64[np.ndarray, "rows cols"], Float64[np.ndarray, "rows cols"]],
        Float64[np.ndarray, ""],
    ] = mass_area,
) -> Float64[np.ndarray, "unit_rows unit_cols"]:
    """Area of every unit's field, pixels: the layer as a map of sizes.

    Args:
        result: of a whole layer.
        theory: of the layer, to leave out what only rounding can show.
        size: of a map, given the map and the cells' areas.

    Raises:
        UnitError: when the result is of one unit.
    """
    areas = Cells.of(result.grid).areas
    sizes = np.zeros(_layer_size(result))
    for unit in _units(result):
        sizes[unit] = size(unit_field(result, unit, theory).clean, areas)
    return sizes


def _layer_size(result: ProbeResult) -> tuple[int, int]:
    if result.target.unit is not None:
        raise UnitError(f"result of {result.target} is of one unit; probe the layer with unit all")
    return result.unit_count


def _units(result: ProbeResult) -> Iterator[Unit]:
    return iter(np.ndindex(*_layer_size(result)))
