"""Results on disk: a Zarr (version 3) group with named dimensions, readable by xarray.

Attributes carry the whole plan and the provenance. A group is written beside its place and moved
there when it is whole, so a reader never meets half a result.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from erf.errors import ErfError, StoreError
from erf.geometry import Box, Target
from erf.plan import Plan
from erf.result import LayerTheory, ProbeResult, TheoreticalExtent

FORMAT = "erf-probe result"
VERSION = 1
LAYER = ("size", "status", "reasons")
"""What is kept of a layer's theory besides its boxes."""


def save(result: ProbeResult, path: str | Path) -> Path:
    """Write a result to a new directory and return its path.

    Raises:
        StoreError: when something is already there; nothing is ever overwritten.
    """
    path = Path(path)
    if path.exists():
        raise StoreError(f"{path} already exists; choose another place or remove it first")
    path.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        group = zarr.open_group(staging, mode="w", zarr_format=3)
        group.attrs.update(_attributes(result))
        for name, (dimensions, values) in _arrays(result).items():
            group.create_array(name, data=values, dimension_names=dimensions)
        staging.chmod(0o755)
        staging.rename(path)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return path


def open_result(path: str | Path) -> ProbeResult:
    """Read a result back.

    Raises:
        StoreError: when there is no result, a damaged one, or one of another version.
    """
    path = Path(path)
    try:
        group = zarr.open_group(path, mode="r")
        attributes = json.loads(json.dumps(dict(group.attrs)))
    except (OSError, ValueError, KeyError) as error:
        raise StoreError(f"{path} holds no result ({_first_line(error)})") from None
    if attributes.get("format") != FORMAT:
        raise StoreError(f"{path} is a Zarr group, but not a result of erf-probe")
    if attributes.get("version") != VERSION:
        raise StoreError(
            f"{path} has result version {attributes.get('version')}, this software reads {VERSION}"
        )
    try:
        return _result(group, attributes)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} is damaged ({_first_line(error)})") from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _attributes(result: ProbeResult) -> dict[str, Any]:
    layer = result.layer_theory
    return {
        "format": FORMAT,
        "version": VERSION,
        "plan": result.plan.to_json(),
        "target": asdict(result.target),
        "theory": None if result.theory is None else asdict(result.theory),
        "layer_theory": None if layer is None else {name: getattr(layer, name) for name in LAYER},
        "provenance": dict(result.provenance),
    }


def _arrays(result: ProbeResult) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Every array with its dimensions; a dimension's coordinates bear its name, as xarray wants."""
    patch, unit = ("patch_row", "patch_col"), ("unit_row", "unit_col")
    field = (*patch, *unit) if result.target.unit is None else patch
    rows, cols = result.grid.centers
    unit_rows, unit_cols = result.unit_count
    arrays: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
        "discrepancy": (field, result.discrepancy),
        "standard_error": (field, result.standard_error),
        "activation": (unit, result.activation),
        "image": (("channel", "row", "col"), result.image),
        "boxes": ((*patch, "edge"), result.boxes),
        "patch_row": (("patch_row",), rows),
        "patch_col": (("patch_col",), cols),
        "unit_row": (("unit_row",), np.arange(unit_rows)),
        "unit_col": (("unit_col",), np.arange(unit_cols)),
    }
    if result.layer_theory is not None:
        arrays["theory_boxes"] = ((*unit, "edge"), result.layer_theory.boxes)
        arrays["theory_unclipped"] = ((*unit, "edge"), result.layer_theory.unclipped)
    if result.samples is not None:
        arrays["samples"] = (("draw", *patch), result.samples)
    if result.picture is not None:
        arrays["picture"] = (("row", "col", "rgb"), result.picture)
    return arrays


def _result(group: zarr.Group, attributes: dict[str, Any]) -> ProbeResult:
    target = attributes["target"]
    unit = target["unit"]
    try:
        plan = Plan.from_json(attributes["plan"])
    except ErfError as error:
        raise ValueError(f"plan: {error}") from None
    return ProbeResult(
        discrepancy=_read(group, "discrepancy"),
        standard_error=_read(group, "standard_error"),
        samples=_read(group, "samples") if "samples" in group else None,
        target=Target(target["layer"], None if unit is None else tuple(unit), target["channel"]),
        plan=plan,
        activation=_read(group, "activation"),
        image=_read(group, "image"),
        picture=_read(group, "picture") if "picture" in group else None,
        theory=_extent(attributes["theory"]),
        layer_theory=_layer(group, attributes["layer_theory"]),
        provenance=attributes["provenance"],
    )


def _extent(values: dict[str, Any] | None) -> TheoreticalExtent | None:
    if values is None:
        return None
    unclipped = values["unclipped"]
    size = values["size"]
    return TheoreticalExtent(
        box=Box(**values["box"]),
        size=None if size is None else tuple(size),
        unclipped=None if unclipped is None else Box(**unclipped),
        status=values["status"],
        reasons=tuple(values["reasons"]),
    )


def _layer(group: zarr.Group, values: dict[str, Any] | None) -> LayerTheory | None:
    if values is None:
        return None
    return LayerTheory(
        boxes=_read(group, "theory_boxes"),
        unclipped=_read(group, "theory_unclipped"),
        size=tuple(values["size"]),
        status=values["status"],
        reasons=tuple(values["reasons"]),
    )


def _read(group: zarr.Group, name: str) -> Any:
    return np.asarray(group[name][...])  # type: ignore[index]
