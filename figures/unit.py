"""One unit out of a whole layer's influence, ready to be drawn."""

from __future__ import annotations

from dataclasses import replace

from erf.errors import UnitError
from erf.geometry import Target, UnitName, locate
from erf.result import ProbeResult


def at_unit(result: ProbeResult, unit: UnitName | None = None) -> ProbeResult:
    """A result of one unit: ``result`` itself, or one unit of the layer that it holds.

    Only means over draws are kept for a layer, so the unit's measurement has no intervals.

    Args:
        result: of one unit or of a whole layer.
        unit: ``center``, ``max`` or (row, col); None for the unit that ``result`` is of.

    Raises:
        UnitError: when ``result`` holds a layer and no unit is named, or the unit is not in it.
    """
    target, (rows, cols) = result.target, result.unit_count
    if target.unit is not None:
        if unit is not None and unit != target.unit:
            raise UnitError(f"result is of {target} alone: it has no unit {unit}")
        return result
    strongest = divmod(int(result.activation.argmax()), cols)
    place = None if unit is None else locate(unit, (rows, cols), strongest, target.layer)
    if place is None:
        raise UnitError(f"result of {target} holds {rows}x{cols} units: name one, such as center")
    return replace(
        result,
        discrepancy=result.discrepancy[:, :, place[0], place[1]],
        standard_error=result.standard_error[:, :, place[0], place[1]],
        samples=None,
        target=Target(target.layer, place, target.channel),
        theory=None if result.layer_theory is None else result.layer_theory.extent(place),
        layer_theory=None,
    )
