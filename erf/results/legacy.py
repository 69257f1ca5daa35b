"""Results of version 1, which had one plan for all methods and words where there are types now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import zarr

from erf.engines.report import Agreement, EngineReport
from erf.geometry import Box, Target
from erf.results.result import LayerResult, UnitResult
from erf.settings import Gradient, NamedStimulus, Noise, Settings, Until
from erf.theoretical.field import TheoreticalField, UnitTheory


def from_version_1(group: zarr.Group, attributes: Mapping[str, Any]) -> UnitResult | LayerResult:
    """The result in a group of version 1.

    Raises:
        KeyError, TypeError, ValueError: when something is missing or is not what it should be.
    """
    target, plan = attributes["target"], attributes["plan"]
    unit = target["unit"]
    provenance = dict(attributes["provenance"])
    engine, draws = provenance.pop("engine"), provenance.pop("draws", None)
    reduce = provenance.pop("reduce", "absolute")
    settings = _settings(plan, draws, reduce, provenance.pop("method", None) == "gradient")
    known = {
        "target": Target(target["layer"], None if unit is None else tuple(unit), target["channel"]),
        "settings": settings,
        "draws": plan["draws"],
        "joint": settings.joint,
        "engine": _engine(engine),
        "activation": _read(group, "activation"),
        "image": _read(group, "image"),
        "picture": _read(group, "picture") if "picture" in group else None,
        "origin": provenance,
        "discrepancy": _read(group, "discrepancy"),
        "standard_error": _read(group, "standard_error"),
    }
    if unit is None:
        return LayerResult(theory=_layer(group, attributes), **known)
    samples = _read(group, "samples") if "samples" in group else None
    return UnitResult(samples=samples, theory=_unit(attributes["theory"]), **known)


def _settings(
    plan: Mapping[str, Any], draws: Mapping[str, Any] | None, reduce: str, gradient: bool
) -> Settings:
    if gradient:
        return Gradient(reduce=reduce, projections=plan["draws"], seed=plan["seed"])
    rule = plan["draws"]
    if draws is not None and "tolerance" in draws:
        rule = Until(draws["tolerance"], draws["limit"])
    sigma = plan["sigma"]
    return Noise(
        patch=plan["patch"],
        stride=plan["stride"],
        draws=rule,
        sigma=tuple(sigma) if isinstance(sigma, list) else sigma,
        stimulus=NamedStimulus(plan["stimulus"]),
        seed=plan["seed"],
        image_index=plan["image_index"],
        engine=plan["engine"],
    )


def _engine(values: Mapping[str, Any]) -> EngineReport:
    check = values.get("check")
    return EngineReport(
        name=values["name"],
        exact=values["name"] in ("delta", "gradient"),
        requested=values.get("requested", ""),
        notes=tuple(values.get("notes", ())),
        check=None if check is None else Agreement(**check),
    )


def _unit(values: Mapping[str, Any] | None) -> UnitTheory | None:
    if values is None:
        return None
    unclipped, size = values["unclipped"], values["size"]
    return UnitTheory(
        box=Box(**values["box"]),
        size=None if size is None else tuple(size),
        unclipped=None if unclipped is None else Box(**unclipped),
        status=values["status"],
        reasons=tuple(values["reasons"]),
    )


def _layer(group: zarr.Group, attributes: Mapping[str, Any]) -> TheoreticalField | None:
    values = attributes["layer_theory"]
    if values is None:
        return None
    clipped, unclipped = _read(group, "theory_boxes"), _read(group, "theory_unclipped")
    rows, cols = _read(group, "image").shape[-2:]
    return TheoreticalField(
        layer=attributes["target"]["layer"],
        image_size=(rows, cols),
        units=clipped.shape[:2],
        size=tuple(values["size"]),
        stride=(None, None),
        padding=(None, None),
        status=values["status"],
        reasons=tuple(values["reasons"]),
        channel_dim=1,
        _clipped=lambda: clipped,
        _unclipped=lambda: unclipped,
        _support=None,
    )


def _read(group: zarr.Group, name: str) -> Any:
    return np.asarray(group[name][...])  # type: ignore[index]
