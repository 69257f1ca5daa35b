"""From an xarray data set back to a result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import xarray

from erf.engines.report import EngineReport
from erf.geometry import Box, PatchGrid, Target
from erf.results.result import LayerResult, UnitResult
from erf.settings import Disturbance, OtherImage, settings_from_json
from erf.theoretical.field import TheoreticalField, UnitTheory


def from_dataset(data: xarray.Dataset) -> UnitResult | LayerResult:
    """The result that ``result.to_dataset()`` wrote.

    Raises:
        KeyError, TypeError, ValueError: when something is missing or is not what it should be.
    """
    check_shapes(data)
    attributes = data.attrs
    target = _target(json.loads(attributes["target"]), dict(data.sizes))
    settings = settings_from_json(json.loads(attributes["settings"]))
    if "other" in data and isinstance(settings, Disturbance):
        settings = replace(settings, other=OtherImage(data["other"].values))
    known: dict[str, Any] = {
        "target": target,
        "settings": settings,
        "draws": int(attributes["draws"]),
        "joint": bool(attributes["joint"]),
        "engine": EngineReport.from_json(json.loads(attributes["engine"])),
        "activation": data["activation"].values,
        "image": data["image"].values,
        "picture": data["picture"].values if "picture" in data else None,
        "origin": _mapping(json.loads(attributes["origin"])),
        "discrepancy": data["discrepancy"].values,
        "standard_error": data["standard_error"].values,
    }
    words = json.loads(attributes["theory"])
    if target.unit is None:
        return LayerResult(theory=_layer_theory(data, words), **known)
    samples = data["samples"].values if "samples" in data else None
    return UnitResult(samples=samples, theory=_unit_theory(data, words), **known)


def _target(words: Mapping[str, Any], sizes: Mapping[Any, int]) -> Target:
    """A target whose unit, if it has one, lies in its layer."""
    target = Target(**_tuples(words))
    if not isinstance(target.layer, str):
        raise TypeError(f"layer {target.layer!r} is no name")
    if target.unit is not None:
        row, col = target.unit
        inside = {type(row), type(col)} == {int} and 0 <= row < sizes["unit_row"]
        if not (inside and 0 <= col < sizes["unit_col"]):
            raise ValueError(f"unit {target.unit} is none of its layer")
    if target.channel is not None and not (type(target.channel) is int and target.channel >= 0):
        raise ValueError(f"channel {target.channel!r} is none")
    return target


def _mapping(words: Any) -> Mapping[str, Any]:
    """What is known of model and image, by name."""
    for part in ("model", "image", "software"):
        if not isinstance(words.get(part, {}), dict):
            raise TypeError(f"{part} {words[part]!r} is not described by names")
    return words


def check_shapes(data: xarray.Dataset) -> None:
    """Hold every array to what settings and image say of it, before any is read.

    Raises:
        ValueError: naming the first that does not fit.
    """
    sizes, settings = dict(data.sizes), settings_from_json(json.loads(data.attrs["settings"]))
    grid = PatchGrid((sizes["row"], sizes["col"]), settings.patch, settings.step)
    rows, cols = grid.shape
    wanted = {"patch_row": rows, "patch_col": cols}
    if "draw" in sizes:
        wanted["draw"] = int(data.attrs["draws"])
    for name, length in wanted.items():
        if sizes[name] != length:
            raise ValueError(f"{name} has {sizes[name]} entries where the settings give {length}")


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
