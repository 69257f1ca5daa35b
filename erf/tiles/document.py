"""A tiling, and what was measured of it, as JSON: for a tiler of one's own."""

from __future__ import annotations

import json
from dataclasses import asdict
from math import isfinite
from typing import Any

import numpy as np

from erf.tiles.axis import TiledAxis
from erf.tiles.enough import EnoughMargin
from erf.tiles.measured import MarginCurves
from erf.tiles.plan import Tiling


def tiling_json(
    plan: Tiling, model: str, curves: MarginCurves | None = None, enough: EnoughMargin | None = None
) -> str:
    """All numbers; ``null`` for what is infinite: a margin for which tiles are too small.

    Example:
        >>> from torch import nn
        >>> from erf.tiles import tiling
        >>> plan = tiling(nn.Conv2d(3, 4, 5, padding=2), image_size=(100, 100), tile=40)
        >>> json.loads(tiling_json(plan, "one"))["rows"]["pieces"][1]
        {'start': 36, 'stop': 76, 'first': 38, 'last': 74, 'skipped': 2}
    """
    sides = ("top", "left", "bottom", "right")
    document: dict[str, Any] = {
        "model": model,
        "layer": plan.layer,
        "image_size": plan.image_size,
        "tile": plan.tile,
        "sufficient": plan.sufficient,
        "refused": plan.refused or None,
        "status": plan.status,
        "reasons": plan.reasons,
        "margins": dict(zip(sides, plan.margins, strict=True)),
        "overhead": plan.overhead,
        "rows": _axis(plan.rows),
        "columns": _axis(plan.cols),
    }
    if curves is not None:
        names = ("theory", "margins", "worst", "typical", "flips", "overhead")
        document["measured"] = {name: getattr(curves, name) for name in names}
    if enough is not None:
        document["enough"] = {**asdict(enough), "exceeded": enough.exceeded}
    return json.dumps(_finite(document), indent=2)


def _axis(axis: TiledAxis) -> dict[str, Any]:
    return {"step": axis.period.pixels, "pieces": [asdict(piece) for piece in axis.pieces]}


def _finite(value: Any) -> Any:
    """Lists for arrays, None for what is no finite number."""
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, float | np.floating):
        return float(value) if isfinite(value) else None
    return value
