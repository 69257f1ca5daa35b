"""Arrays as an xarray data set: named dimensions, coordinates, units, and words for all of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray
from jaxtyping import Int64

from erf.geometry import Box, PatchGrid

FORMAT = "erf-probe result"
VERSION = 2
OURS = (
    *("format", "version", "target", "method", "settings", "draws", "joint", "engine"),
    *("theory", "origin"),
)
"""Attributes that decide what a result says."""
Arrays = dict[str, tuple[tuple[str, ...], np.ndarray]]
"""Values of each array with the names of its dimensions."""

PATCH, UNIT = ("patch_row", "patch_col"), ("unit_row", "unit_col")
WORDS = {
    "discrepancy": "change of the unit when a patch is disturbed, mean over draws",
    "standard_error": "standard error of the discrepancy over draws",
    "samples": "change of the unit when a patch is disturbed, each draw",
    "activation": "clean response of the layer",
    "image": "image in the model's input space",
    "picture": "image as a person sees it",
    "other": "image that the stimulus takes its pixels from",
    "boxes": "pixels of a patch, half-open",
    "theory_box": "pixels that can reach the unit, half-open",
    "theory_unclipped": "pixels that could reach the unit if the image had no border, half-open",
    "patch_row": "row of the patch's centre",
    "patch_col": "column of the patch's centre",
    "unit_row": "row of the unit in its layer",
    "unit_col": "column of the unit in its layer",
    "draw": "random realisation",
    "channel": "channel of the image",
    "row": "row of the image",
    "col": "column of the image",
    "rgb": "red, green, blue",
    "edge": "edge of a box",
}
UNITS = dict.fromkeys(
    ("boxes", "theory_box", "theory_unclipped", "patch_row", "patch_col", "row", "col"), "pixel"
)


def assemble(arrays: Arrays, grid: PatchGrid, attributes: Mapping[str, Any]) -> xarray.Dataset:
    """A data set that follows the CF conventions as far as they go, with a hash of every array.

    Args:
        arrays: values with the names of their dimensions; names as in ``WORDS``.
        grid: of the patches, whose centres are their coordinates.
        attributes: text and numbers alone, which every format takes.
    """
    variables = {
        name: (dimensions, values, _attributes_of(name))
        for name, (dimensions, values) in arrays.items()
    }
    sizes = {
        dimension: length
        for dimensions, values in arrays.values()
        for dimension, length in zip(dimensions, values.shape, strict=True)
    }
    rows, cols = grid.centers
    places = {name: np.arange(length) for name, length in sizes.items()}
    places |= {"patch_row": rows, "patch_col": cols}
    coordinates = {name: (name, places[name], _attributes_of(name)) for name in sizes}
    known = {"Conventions": "CF-1.12", "format": FORMAT, "version": VERSION, **attributes}
    data = xarray.Dataset(variables, coordinates, known)
    data.attrs["sha256"] = json.dumps(hashes(data), sort_keys=True)
    return data


def edges(box: Box) -> Int64[np.ndarray, " 4"]:
    """A box along the dimension ``edge``."""
    return np.array([box.top, box.left, box.bottom, box.right], dtype=np.int64)


def hashes(data: xarray.Dataset) -> dict[str, str]:
    """SHA-256 over type, shape and bytes of every variable, and over the attributes that are ours.

    Others may be added to a result that is kept; they are not read.
    """
    found = {str(name): _hash(variable.values) for name, variable in data.variables.items()}
    ours = {name: data.attrs.get(name) for name in OURS}
    return {**found, "attributes": hashlib.sha256(json.dumps(ours).encode()).hexdigest()}


def _hash(values: np.ndarray) -> str:
    head = f"{values.dtype.str} {values.shape}\n".encode()
    return hashlib.sha256(head + np.ascontiguousarray(values).tobytes()).hexdigest()


def _attributes_of(name: str) -> dict[str, Any]:
    attributes: dict[str, Any] = {"long_name": WORDS[name]}
    if name in UNITS:
        attributes["units"] = UNITS[name]
    if name == "edge":
        attributes |= {"flag_values": [0, 1, 2, 3], "flag_meanings": "top left bottom right"}
    return attributes
