"""Averages of fields: of many images in image coordinates, or recentred on the unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from erf.errors import SettingError
from erf.geometry import Box
from erf.measures.cells import Cells
from erf.measures.field import Field, fields_of
from erf.results import UnitResult

Several = (
    UnitResult
    | Field
    | Iterable[UnitResult | Field]
    | Mapping[str, UnitResult | Field]
    | Mapping[str, Sequence[UnitResult | Field]]
)
"""What a probe returns: one result, several, or several by name."""


def average(results: Several) -> Field:
    """Mean of the maps of one unit on several images of one size, in image coordinates.

    Each map counts as it is: an image on which the unit reacts more strongly counts more. The
    result's draws are the images, so that intervals are about other images of the same kind.

    Args:
        results: probes of one unit (or their ``Field``), one, several, or several by name.

    Raises:
        SettingError: when there is none, or layouts or centres differ.

    Example:
        >>> import torch, erf
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 5, padding=2))
        >>> photos = [torch.randn(3, 32, 32) for _ in range(3)]
        >>> mean = average([erf.probe(model, photo, "0", patch=8, draws=2) for photo in photos])
        >>> mean.images, mean.draws
        (3, 3)
    """
    fields = fields_of(results)
    first = fields[0]
    for each in fields:
        if each.image_size != first.image_size or each.values.shape != first.values.shape:
            raise SettingError(
                f"{each.label} on an image of {each.image_size} with {each.values.shape} patches "
                f"cannot be averaged with {first.image_size} and {first.values.shape}: "
                "recentre them with calibrate"
            )
        if each.center != first.center:
            raise SettingError(
                f"{each.label} is centred at {each.center}, not {first.center}: "
                "recentre fields of different units with calibrate"
            )
    maps = np.stack([each.clean for each in fields])
    samples = _by_image(maps, fields)
    return replace(
        first,
        values=maps.mean(axis=0),
        samples=samples,
        joint=True,
        reachable=_any([each.reachable for each in fields]),
        images=_images(fields),
        image=first.image if _images(fields) == 1 else None,
    )


def calibrate(results: Several, *, spacing: int | None = None) -> Field:
    """Mean of maps recentred on their unit: the calibrated map of Zhou et al. 2015.

    The maps may be of different units, images and image sizes. Each is read at the same distances
    from its own unit: those of the first map's patches. Where units lie whole patch strides apart
    this is exact; else values are interpolated linearly, which blurs by less than a stride. A
    place outside one image is averaged over the others. The result's draws are the images, several
    units of one image being averaged first, since they share what that image does to a network; a
    missing place carries the mean: it has nothing to say about the spread. Of one image there is
    no spread over images, and the result has no intervals.

    Args:
        results: probes of units (or their ``Field``), one, several, or several by name.
        spacing: between points of the calibrated map, pixels; by default the smallest stride.

    Raises:
        SettingError: when there is no field.

    Example:
        >>> import torch, erf
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 5, padding=2))
        >>> units = erf.probe_units(model, torch.randn(3, 32, 32), "0", "grid:2", patch=4, draws=2)
        >>> mean = calibrate(units)
        >>> mean.images, mean.recentred, mean.samples is None
        (1, True, True)
    """
    fields = fields_of(results)
    first = fields[0]
    step = spacing or min(each.stride for each in fields)
    reach = max(_reach(each) for each in fields)
    count = int(np.ceil(reach / step))
    offsets = step * np.arange(-count, count + 1, dtype=np.float64)
    phase = _phase(first)
    maps = np.stack([read_at(each, offsets + phase[0], offsets + phase[1]) for each in fields])
    present = ~np.isnan(maps)
    number = present.sum(axis=0)
    mean = np.where(present, maps, 0).sum(axis=0) / np.maximum(number, 1)
    samples = np.where(present, maps, mean)
    middle = step * (count + 0.5) - 0.5
    edges = step * np.arange(2 * count + 2) - 0.5
    center = (middle - phase[0], middle - phase[1])
    boxes = [_recentred(each, center) for each in fields if each.theory is not None]
    theory = boxes[0] if boxes else None
    for box in boxes[1:]:
        assert theory is not None
        theory = theory.hull(box)
    return Field(
        values=mean,
        cells=Cells(offsets + middle, offsets + middle, edges, edges),
        image_size=first.image_size,
        center=center,
        center_from=first.center_from,
        theory=theory,
        samples=_by_image(samples, fields),
        joint=True,
        label=f"calibrated {first.label}",
        theory_status=first.theory_status,
        patch=first.patch,
        stride=step,
        image=first.image if _images(fields) == 1 else None,
        images=_images(fields),
        recentred=True,
    )


def read_at(
    field: Field, down: Float64[np.ndarray, " n"], right: Float64[np.ndarray, " m"]
) -> Float64[np.ndarray, "n m"]:
    """The map at these distances from its unit; NaN outside the image.

    Between the outermost patch centre and the border the map goes on as it is there.
    """
    rows = _weights(field.cells.row_centers, field.cells.row_edges, down + field.center[0])
    cols = _weights(field.cells.col_centers, field.cells.col_edges, right + field.center[1])
    return rows @ field.clean @ cols.T


def _phase(field: Field) -> tuple[float, float]:
    """From the unit to the nearest patch centre, (rows, cols)."""
    row, col = (
        float(centers[np.abs(centers - middle).argmin()] - middle)
        for centers, middle in zip(
            (field.cells.row_centers, field.cells.col_centers), field.center, strict=True
        )
    )
    return row, col


def _weights(
    centers: Float64[np.ndarray, " cells"],
    edges: Float64[np.ndarray, " cells+1"],
    places: Float64[np.ndarray, " n"],
) -> Float64[np.ndarray, "n cells"]:
    """Linear interpolation as a matrix; a row of NaN for a place outside."""
    basis = np.eye(len(centers))
    weights = np.stack([np.interp(places, centers, each) for each in basis], axis=1)
    weights[(places < edges[0]) | (places > edges[-1])] = np.nan
    return weights


def _reach(field: Field) -> float:
    """Largest distance from the unit to a border, along an axis."""
    ends = (field.cells.row_edges[[0, -1]], field.cells.col_edges[[0, -1]])
    return max(
        float(np.abs(pair - middle).max()) for pair, middle in zip(ends, field.center, strict=True)
    )


def _recentred(field: Field, center: tuple[float, float]) -> Box:
    assert field.theory is not None
    down, right = (new - old for new, old in zip(center, field.center, strict=True))
    return field.theory.shift(round(down), round(right))


def _key(index: int, field: Field) -> object:
    """What tells a field's image apart; one that is not known is its own."""
    return index if field.image is None else field.image


def _images(fields: Sequence[Field]) -> int:
    """Over how many different images these fields are."""
    keys = {_key(index, each): each.images for index, each in enumerate(fields)}
    return sum(keys.values())


def _by_image(
    maps: Float64[np.ndarray, "fields rows cols"], fields: Sequence[Field]
) -> Float64[np.ndarray, "images rows cols"] | None:
    """The mean map of each image; None where there is only one."""
    keys = [_key(index, each) for index, each in enumerate(fields)]
    names = list(dict.fromkeys(keys))
    if len(names) < 2:
        return None
    return np.stack([maps[[key == name for key in keys]].mean(axis=0) for name in names])


def _any(masks: Sequence[np.ndarray | None]) -> np.ndarray | None:
    """Where any mask is true; None as soon as one is unknown."""
    known = [mask for mask in masks if mask is not None]
    return np.any(known, axis=0) if len(known) == len(masks) else None
