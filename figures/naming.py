"""What results are called in a figure, and what measures them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from erf.measures import Measurement
from erf.results import LayerResult, UnitResult, each_of

Measure = Callable[[UnitResult], Measurement]
"""From a result to its numbers: ``erf.measure``, or the same with another criterion."""

Several = Iterable[UnitResult] | Mapping[str, UnitResult]
"""Results of one unit each, or by the names they are to have."""


def named(results: Several) -> dict[str, UnitResult]:
    """Results by name: the names given, or those that tell them apart.

    Raises:
        SettingError: when there is none.
    """
    if isinstance(results, Mapping):
        return dict(results)
    found = each_of(results, (UnitResult, LayerResult))
    return dict(zip(titles(found), found, strict=True))


def asked_unit(result: UnitResult) -> str:
    """What a study asked for when it got this result; any unit of a mere probe is the same."""
    return str(result.origin.get("study", {}).get("unit", "one unit"))


def titles(results: Sequence[UnitResult]) -> tuple[str, ...]:
    """Names that tell results apart: the model, and the unit where models agree."""
    models = tuple(result.model_name for result in results)
    if len(set(models)) == len(models):
        return models
    units = [f"{model} {result.target}" for model, result in zip(models, results, strict=True)]
    if len(set(units)) == len(units):
        return tuple(units)
    return tuple(f"{index}: {unit}" for index, unit in enumerate(units, start=1))
