"""One unit out of whatever a result is of, by its name."""

from __future__ import annotations

from erf.errors import UnitError
from erf.geometry import UnitName, locate
from erf.results import LayerResult, UnitResult
from figures.naming import asked_unit


def at_unit(result: UnitResult | LayerResult, unit: UnitName | None = None) -> UnitResult:
    """A result of one unit: ``result`` itself, or one unit of the layer that it holds.

    Only means over draws are kept for a layer, so the unit's measurement has no intervals.

    Args:
        result: of one unit or of a whole layer.
        unit: ``center``, ``max`` or (row, col); None for the unit that ``result`` is of.

    Raises:
        UnitError: when ``result`` holds a layer and no unit is named, or the unit is not in it.
    """
    if isinstance(result, UnitResult):
        if unit not in (None, result.unit, asked_unit(result)):
            raise UnitError(f"result is of {result.target} alone: it has no unit {unit}")
        return result
    rows, cols = result.unit_count
    strongest = divmod(int(result.activation.argmax()), cols)
    place = None if unit is None else locate(unit, (rows, cols), strongest, result.target.layer)
    if place is None:
        raise UnitError(
            f"result of {result.target} holds {rows}x{cols} units: name one, such as center"
        )
    return result.unit(place)
