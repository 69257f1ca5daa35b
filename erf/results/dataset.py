"""A result as an xarray data set: named dimensions, coordinates, units, and words for all of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import xarray

from erf.engines.report import EngineReport
from erf.geometry import Box, Target
from erf.results.result import LayerResult, Result, UnitResult
from erf.settings import Disturbance, OtherImage, Settings, settings_from_json
from erf.theoretical.field import TheoreticalField, UnitTheory

FORMAT = "erf-probe result"
VERSION = 2
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


def to_dataset(result: Result) -> xarray.Dataset:
    """A result as a data set that follows the CF conventions as far as they go.

    Settings, engine and origin are attributes of JSON text; ``from_dataset`` reads all back.

    Example:
        >>> import torch, erf
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1))
        >>> data = to_dataset(erf.probe(model, torch.randn(3, 24, 24), "0", patch=8, draws=2))
        >>> data.samples.dims, data.patch_row.values.tolist()
        (('draw', 'patch_row', 'patch_col'), [3.5, 11.5, 19.5])
    """
    arrays = _arrays(result)
    variables = {
        name: (dimensions, values, _attributes_of(name))
        for name, (dimensions, values) in arrays.items()
    }
    sizes = {
        dimension: length
        for dimensions, values in arrays.values()
        for dimension, length in zip(dimensions, values.shape, strict=True)
    }
    rows, cols = result.grid.centers
    places = {name: np.arange(length) for name, length in sizes.items()}
    places |= {"patch_row": rows, "patch_col": cols}
    coordinates = {name: (name, places[name], _attributes_of(name)) for name in sizes}
    data = xarray.Dataset(variables, coordinates, _describe(result))
    data.attrs["sha256"] = json.dumps(hashes(data), sort_keys=True)
    return data


def from_dataset(data: xarray.Dataset) -> Result:
    """The result that ``to_dataset`` wrote.

    Raises:
        KeyError, TypeError, ValueError: when something is missing or is not what it should be.
    """
    attributes = data.attrs
    target = Target(**_tuples(json.loads(attributes["target"])))
    settings = settings_from_json(json.loads(attributes["settings"]))
    if "other" in data and isinstance(settings, Disturbance):
        settings = replace(settings, other=OtherImage(data["other"].values))
    check_shapes(data, settings)
    known = {
        "target": target,
        "settings": settings,
        "draws": int(attributes["draws"]),
        "joint": bool(attributes["joint"]),
        "engine": EngineReport.from_json(json.loads(attributes["engine"])),
        "activation": data["activation"].values,
        "image": data["image"].values,
        "picture": data["picture"].values if "picture" in data else None,
        "origin": json.loads(attributes["origin"]),
        "discrepancy": data["discrepancy"].values,
        "standard_error": data["standard_error"].values,
    }
    words = json.loads(attributes["theory"])
    if target.unit is None:
        return LayerResult(theory=_layer_theory(data, words), **known)
    samples = data["samples"].values if "samples" in data else None
    return UnitResult(samples=samples, theory=_unit_theory(data, words), **known)


def hashes(data: xarray.Dataset) -> dict[str, str]:
    """SHA-256 over type, shape and bytes of every variable."""
    return {str(name): _hash(variable.values) for name, variable in data.variables.items()}


def check_shapes(data: xarray.Dataset, settings: Settings) -> None:
    """Hold every array to what settings and image say of it, before any is read.

    Raises:
        ValueError: naming the first that does not fit.
    """
    sizes = dict(data.sizes)
    image = sizes["row"], sizes["col"]
    rows, cols = (len(range(0, length - settings.patch, settings.step)) + 1 for length in image)
    wanted = {"patch_row": rows, "patch_col": cols}
    if "draw" in sizes:
        wanted["draw"] = int(data.attrs["draws"])
    for name, length in wanted.items():
        if sizes[name] != length:
            raise ValueError(f"{name} has {sizes[name]} entries where the settings give {length}")


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


def _describe(result: Result) -> dict[str, Any]:
    """The data set's own attributes: text and numbers alone, which every format takes."""
    theory = result.theory if isinstance(result, LayerResult | UnitResult) else None
    words = None if theory is None else _words(theory)
    return {
        "Conventions": "CF-1.12",
        "title": f"{result.model_name}, {result.target}, {result.image_name}",
        "source": "erf-probe " + str(result.origin.get("software", {}).get("erf-probe", "")),
        "format": FORMAT,
        "version": VERSION,
        "target": json.dumps(asdict(result.target)),
        "method": result.settings.method,
        "settings": json.dumps(result.settings.to_json()),
        "draws": result.draws,
        "joint": int(result.joint),
        "engine": json.dumps(result.engine.to_json()),
        "theory": json.dumps(words),
        "origin": json.dumps(dict(result.origin)),
    }


def _arrays(result: Result) -> Arrays:
    """Every array with its dimensions."""
    assert isinstance(result, LayerResult | UnitResult)
    whole = isinstance(result, LayerResult)
    field = (*PATCH, *UNIT) if whole else PATCH
    arrays: Arrays = {
        "discrepancy": (field, result.discrepancy),
        "standard_error": (field, result.standard_error),
        "activation": (UNIT, result.activation),
        "image": (("channel", "row", "col"), result.image),
        "boxes": ((*PATCH, "edge"), result.boxes),
    }
    if isinstance(result, UnitResult) and result.samples is not None:
        arrays["samples"] = (("draw", *PATCH), result.samples)
    if result.picture is not None:
        arrays["picture"] = (("row", "col", "rgb"), result.picture)
    other = result.settings.other_image if isinstance(result.settings, Disturbance) else None
    if other is not None:
        arrays["other"] = (("channel", "row", "col"), other.pixels)
    return arrays | _theory_arrays(result)


def _theory_arrays(result: LayerResult | UnitResult) -> Arrays:
    theory = result.theory
    arrays: Arrays
    if isinstance(theory, TheoreticalField):
        arrays = {"theory_box": ((*UNIT, "edge"), theory.boxes())}
        if theory.border_known:
            arrays["theory_unclipped"] = ((*UNIT, "edge"), theory.boxes(clipped=False))
        return arrays
    if theory is None:
        return {}
    arrays = {"theory_box": (("edge",), _edges(theory.box))}
    if theory.unclipped is not None:
        arrays["theory_unclipped"] = (("edge",), _edges(theory.unclipped))
    return arrays


def _edges(box: Box) -> np.ndarray:
    return np.array([box.top, box.left, box.bottom, box.right], dtype=np.int64)


def _words(theory: TheoreticalField | UnitTheory) -> dict[str, Any]:
    """What is kept of a theory besides its boxes."""
    names = ["size", "status", "reasons"]
    if isinstance(theory, TheoreticalField):
        names += ["stride", "padding", "kind", "channel_dim"]
    return {name: getattr(theory, name) for name in names}


def _unit_theory(data: xarray.Dataset, words: Mapping[str, Any] | None) -> UnitTheory | None:
    if words is None:
        return None
    unclipped = data["theory_unclipped"].values if "theory_unclipped" in data else None
    return UnitTheory(
        box=Box(*map(int, data["theory_box"].values)),
        unclipped=None if unclipped is None else Box(*map(int, unclipped)),
        **_tuples(words),
    )


def _layer_theory(data: xarray.Dataset, words: Mapping[str, Any] | None) -> TheoreticalField | None:
    if words is None:
        return None
    clipped = data["theory_box"].values
    unclipped = data["theory_unclipped"].values if "theory_unclipped" in data else None
    return TheoreticalField(
        layer=json.loads(data.attrs["target"])["layer"],
        image_size=(data.sizes["row"], data.sizes["col"]),
        units=(clipped.shape[0], clipped.shape[1]),
        _clipped=lambda: clipped,
        _unclipped=None if unclipped is None else lambda: unclipped,
        _support=None,
        **_tuples(words),
    )


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON's lists as the tuples they were."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
