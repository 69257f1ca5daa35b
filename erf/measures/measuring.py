"""Measure a field: all sizes, one of them as the headline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, overload

import numpy as np

from erf.errors import SettingError
from erf.measures.field import Field, fields_of
from erf.measures.gaussian import gaussian_fit
from erf.measures.intervals import Interval, bootstrap_intervals, jackknife_intervals
from erf.measures.measurement import Measurement, Size
from erf.measures.radial import radial_profile
from erf.measures.significance import inside_significant
from erf.measures.sizes import SIGNIFICANT, Definition, define_sizes
from erf.measures.spread import moments
from erf.results import LayerResult, UnitResult

One = UnitResult | LayerResult | Field


@overload
def measure(
    result: One,
    *,
    criterion: str = ...,
    share: float | None = ...,
    sizes: Sequence[str] | None = ...,
    alpha: float = ...,
    level: float = ...,
    resamples: int = ...,
    seed: int = ...,
) -> Measurement: ...


@overload
def measure(
    result: Mapping[str, One],
    *,
    criterion: str = ...,
    share: float | None = ...,
    sizes: Sequence[str] | None = ...,
    alpha: float = ...,
    level: float = ...,
    resamples: int = ...,
    seed: int = ...,
) -> dict[str, Measurement]: ...


@overload
def measure(
    result: Sequence[One],
    *,
    criterion: str = ...,
    share: float | None = ...,
    sizes: Sequence[str] | None = ...,
    alpha: float = ...,
    level: float = ...,
    resamples: int = ...,
    seed: int = ...,
) -> list[Measurement]: ...


def measure(
    result: One | Mapping[str, One] | Sequence[One],
    *,
    criterion: str = "mass",
    share: float | None = None,
    sizes: Sequence[str] | None = None,
    alpha: float = 0.05,
    level: float = 0.95,
    resamples: int = 999,
    seed: int = 0,
) -> Measurement | dict[str, Measurement] | list[Measurement]:
    """Measure the empirical field of one unit; of several, each of them.

    The default criterion is the smallest area that holds 95.45 % of the map's mass: "95 % of what
    the unit hears comes from here". For a Gaussian field this is, to the pixel, the area above
    4.55 % of the peak after Luo et al. 2016, so numbers stay comparable; but it

    - does not hang on the map's peak, the one value that noise always pushes up: its interval
      keeps its promise with few draws, that of a thresholded area may not;
    - counts a low, wide tail by what it contributes. A context module that adds a little from
      everywhere (ParseNet's) is invisible below a threshold of the peak and visible here;
    - is unchanged when the map is multiplied by any number, as are all sizes here.

    Its price: rounding must not swamp the map. So patches not above the engine's floor, and those
    that cannot reach the unit, count as zero in every size. Areas above several shares of the
    peak, participation area and centred squares are always reported too.

    Args:
        result: a probe of one unit, a gradient field, or a ``Field``; of a whole layer one unit
            has to be named, ``result.unit((r, c))``. A sequence gives a list of measurements, a
            mapping a dictionary.
        criterion: ``mass``, ``peak`` (area above a share of the peak), ``participation``,
            ``square``, a size registered by ``erf.extend.size``, or ``significant`` (patches
            significantly above the floor, at a false-discovery rate of ``alpha``).
        share: of the mass (default 0.9545) or of the peak (default 0.0455).
        sizes: names of further sizes to report, such as ``mass:0.5``; many by default.
        alpha: false-discovery rate.
        level: of confidence intervals.
        resamples: bootstrap maps behind the intervals; 0 for no intervals.
        seed: of the bootstrap.

    Raises:
        UnitError: when the result holds a whole layer.
        SettingError: when a share, the level or the criterion is out of range, or draws are too
            few for a test of significance.

    Example:
        >>> import torch, erf
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1))
        >>> result = erf.probe(model, torch.randn(3, 24, 24), "0", patch=8)
        >>> found = erf.measure(result)
        >>> found.criterion, found.image_size, [size.name for size in found.sizes][:3]
        ('mass:0.9545', (24, 24), ['mass:0.9545', 'mass:0.5', 'mass:0.9'])
    """
    one = partial(
        _measure,
        criterion=criterion,
        share=share,
        sizes=sizes,
        alpha=alpha,
        level=level,
        resamples=resamples,
        seed=seed,
    )
    if isinstance(result, Mapping):
        return {name: one(Field.of(each)) for name, each in result.items()}
    if isinstance(result, UnitResult | LayerResult | Field):
        return one(Field.of(result))
    return [one(each) for each in fields_of(result)]


def _measure(
    field: Field,
    *,
    criterion: str,
    share: float | None,
    sizes: Sequence[str] | None,
    alpha: float,
    level: float,
    resamples: int,
    seed: int,
) -> Measurement:
    """Of one field; arguments as of `measure`."""
    definitions = define_sizes(
        field.cells, field.center, criterion=criterion, share=share, sizes=sizes
    )
    intervals = find_intervals(field, definitions, level=level, resamples=resamples, seed=seed)
    found = _sizes(field, definitions, intervals, significant=criterion == SIGNIFICANT, alpha=alpha)
    shape = moments(field.clean, field.cells)
    return Measurement(
        criterion=found[0].name,
        sizes=tuple(found),
        moments=shape,
        offset=shape.offset(field.center),
        profile=radial_profile(field.clean, field.cells, field.center),
        gaussian=gaussian_fit(field.clean, field.cells),
        peak=float(field.clean.max()),
        peak_error=peak_error(field),
        **_origin(field),
    )


def _origin(field: Field) -> dict[str, Any]:
    """What a measurement says of the probe behind it."""
    kept = ["image_size", "patch", "stride", "draws", "center", "center_from"]
    kept += ["theory", "theory_status", "floor", "recentred", "images"]
    extent = field.cells.extent if field.recentred else None
    return {"target": field.label, "extent": extent} | {name: getattr(field, name) for name in kept}


def _sizes(
    field: Field,
    definitions: Sequence[Definition],
    intervals: Mapping[str, Interval],
    *,
    significant: bool,
    alpha: float,
) -> list[Size]:
    """Every size, the headline first; the patches heard at all where that can be tested."""
    sizes = [_size(field, each, intervals.get(each.name)) for each in definitions]
    if significant:
        return [significant_size(field, alpha), *sizes]
    if field.repeated and not field.joint:
        sizes.append(significant_size(field, alpha))
    return sizes


def find_intervals(
    field: Field, definitions: Sequence[Definition], *, level: float, resamples: int, seed: int
) -> dict[str, Interval]:
    """Intervals of sizes by name; none where draws were not kept, are fewer than two, or none is
    asked for (``resamples`` 0)."""
    if field.samples is None or not field.repeated or resamples == 0:
        return {}
    samples = np.where(field.heard, field.samples, 0.0)
    statistics = {each.name: each.area for each in definitions}
    if field.joint:
        return jackknife_intervals(samples, statistics, level=level)
    return bootstrap_intervals(
        samples,
        statistics,
        irregular=[each.name for each in definitions if not each.regular],
        level=level,
        resamples=resamples,
        seed=seed,
    )


def _size(field: Field, definition: Definition, interval: Interval | None) -> Size:
    area = float(definition.area(field.clean))
    side = float(definition.side(field.clean)) if definition.side else math.sqrt(area)
    return Size(definition.name, definition.meaning, area, side, interval)


def significant_size(field: Field, alpha: float) -> Size:
    """The patches significantly above the floor.

    Raises:
        SettingError: when draws were not kept or are too few.
    """
    if field.samples is None:
        raise SettingError(f"{field.label}: a test of significance needs every draw's discrepancy")
    if field.joint:
        raise SettingError(f"{field.label}: a map without independent draws cannot be tested")
    inside = inside_significant(field.samples, field.floor.value, alpha)
    if field.reachable is not None:
        inside &= field.reachable
    area = float(field.cells.areas[inside].sum())
    meaning = f"patches significantly above the floor at a false-discovery rate of {alpha:.6g}"
    return Size(SIGNIFICANT, meaning, area, math.sqrt(area))


def peak_error(field: Field) -> float | None:
    """Standard error of the map's largest value, relative to it."""
    if field.samples is None or not field.repeated or field.clean.max() <= 0:
        return None
    row, col = np.unravel_index(int(field.clean.argmax()), field.clean.shape)
    draws = field.samples[:, row, col]
    return float(draws.std(ddof=1) / math.sqrt(len(draws)) / draws.mean())
