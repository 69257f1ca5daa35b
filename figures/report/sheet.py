"""What the page knows of a layer on an image, in JSON's types: a whole layer, or units of it."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Float64, UInt8
from PIL import Image

from erf.measures import Field
from erf.results import LayerResult, Result, UnitResult
from figures.photo import picture
from figures.report.thresholds import mass_areas, mass_levels, peak_levels

JPEG_QUALITY = 90

SHOWN_UNITS = 96
"""Layers with more rows or columns than this are shown by averages of blocks of units."""


@dataclass(frozen=True)
class Sheet:
    """A layer to explore.

    Attributes:
        results: of a whole layer, one; or of units of one layer, each another unit.
    """

    results: tuple[UnitResult | LayerResult, ...]

    @property
    def fields(self) -> list[Field]:
        """The field of each unit."""
        return [field for result in self.results for field in _fields(result)]

    def to_json(self) -> dict[str, Any]:
        """Everything that the page draws; arrays as base64 of their bytes, row by row."""
        result, fields = self.results[0], self.fields
        cells = fields[0].cells
        maps = np.stack([field.clean for field in fields])
        activation = averaged(result.activation, SHOWN_UNITS)
        theory = [box_of(field) for field in fields]
        points = [list(each.unit) for each in self.results if isinstance(each, UnitResult)]
        return {
            "model": result.model_name,
            "layer": layer_name(result),
            "image": result.image_name,
            "size": list(result.grid.image_size),
            "patch": result.settings.patch,
            "unitCount": list(result.unit_count),
            "points": points or None,
            "rowEdges": cells.row_edges.tolist(),
            "colEdges": cells.col_edges.tolist(),
            "activation": encode(activation, "<f4"),
            "activationShape": list(activation.shape),
            "peaks": maps.max(axis=(1, 2)).tolist(),
            "peakLevels": encode(peak_levels(maps), "u1"),
            "massLevels": encode(mass_levels(maps, cells.areas), "u1"),
            "massAreas": encode(mass_areas(maps, cells.areas), "<f8"),
            "theory": theory if all(theory) else None,
            "picture": data_url(picture(result)),
        }


def _fields(result: UnitResult | LayerResult) -> list[Field]:
    if isinstance(result, UnitResult):
        return [Field.of(result)]
    return [Field.of(result.unit(unit)) for unit in result.units()]


def sheets_of(results: Sequence[UnitResult | LayerResult]) -> list[Sheet]:
    """Units of one layer on one image, asked in one way, belong on one sheet; whole layers do not.

    A unit that is there already, of other draws say, gets a sheet of its own.
    """
    groups: dict[tuple[Any, ...], list[UnitResult | LayerResult]] = {}
    for index, each in enumerate(results):
        key: tuple[Any, ...] = (index,)
        if isinstance(each, UnitResult):
            origin = {name: each.origin.get(name) for name in ("model", "image")}
            asked = json.dumps([each.settings.to_json(), origin], sort_keys=True, default=str)
            question = (each.model_name, layer_name(each), each.image_name, each.grid, asked)
            again = 0
            while any(each.unit == other.unit for other in groups.get((*question, again), ())):
                again += 1
            key = (*question, again)
        groups.setdefault(key, []).append(each)
    return [Sheet(tuple(some)) for some in groups.values()]


def averaged(
    values: Float[np.ndarray, "rows cols"], most: int
) -> Float64[np.ndarray, "shown_rows shown_cols"]:
    """Means of blocks, so that neither side is longer than ``most``; the last may be smaller."""
    blocks = [-(-length // most) for length in values.shape]
    starts = [
        np.arange(0, length, block) for length, block in zip(values.shape, blocks, strict=True)
    ]
    counts = [
        np.diff(start, append=length) for start, length in zip(starts, values.shape, strict=True)
    ]
    total = np.add.reduceat(values.astype(np.float64), starts[0], axis=0)
    total = np.add.reduceat(total, starts[1], axis=1)
    return np.asarray(total / np.outer(counts[0], counts[1]))


def box_of(field: Field) -> list[int] | None:
    """(top, left, bottom, right) of the theoretical field inside the image, if known."""
    if field.theory is None:
        return None
    box = field.theory.clip(field.image_size)
    return [box.top, box.left, box.bottom, box.right]


def layer_name(result: Result) -> str:
    """The layer, with its channel where one was probed."""
    channel = "" if result.target.channel is None else f":{result.target.channel}"
    return f"{result.target.layer}{channel}"


def encode(values: np.ndarray, kind: str) -> str:
    """Base64 of an array's bytes in little-endian ``kind``."""
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode("ascii")


def data_url(image: UInt8[np.ndarray, "rows cols 3"]) -> str:
    """The image as a JPEG inside a URL, so that the page needs no other file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def told_apart(sheets: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sheets of one model, layer and image get a number, so that each can be chosen."""
    keys = [(sheet["model"], sheet["layer"], sheet["image"]) for sheet in sheets]
    return [
        {**sheet, "image": f"{sheet['image']} ({keys[: index + 1].count(key)})"}
        if keys.count(key) > 1
        else sheet
        for index, (sheet, key) in enumerate(zip(sheets, keys, strict=True))
    ]


def pictures_once(sheets: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """The sheets with the numbers of their pictures, and each picture once."""
    pictures = list(dict.fromkeys(sheet["picture"] for sheet in sheets))
    numbers = {picture: number for number, picture in enumerate(pictures)}
    return [{**sheet, "picture": numbers[sheet["picture"]]} for sheet in sheets], pictures
