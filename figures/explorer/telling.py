"""What a tab is told in words and numbers, as JSON; the page writes it as text, never as HTML."""

from __future__ import annotations

from typing import Any

from erf.geometry import PatchGrid
from erf.measures import Cells, Measurement
from erf.results import UnitResult
from erf.settings import Disturbance, Gradient
from figures.explorer.messages import Opened, Ready, Responded
from figures.words import JOINED, share_label


def tell_ready(ready: Ready) -> dict[str, Any]:
    """What the models are called and how strong the noise is in which unit."""
    return {
        "kind": "ready",
        "models": list(ready.models),
        "notes": list(ready.notes),
        "sigma": ready.sigma,
        "sigmaUnit": ready.sigma_unit,
        "drops": ready.drops,
    }


def tell_opened(opened: Opened) -> dict[str, Any]:
    """The image and the layers to choose from."""
    rows, cols = opened.levels.shape[:2]
    layers = [
        {"name": each.name, "size": list(each.size), "channels": each.channels}
        for each in opened.layers
    ]
    return {
        "kind": "opened",
        "side": opened.place.side,
        "image": f"{opened.image_name}, {rows} × {cols} px",
        "size": [rows, cols],
        "layers": layers,
        "stages": list(opened.stages),
    }


def tell_responded(found: Responded) -> dict[str, Any]:
    """Which unit of which layer is asked, and what it could hear."""
    return {
        "kind": "responded",
        "side": found.place.side,
        "layer": found.layer,
        "unit": list(found.unit),
        "units": list(found.activation.shape),
        "patches": edges_of(found.grid) if found.grid.patch > 1 else None,
        "theory": found.theory,
    }


def edges_of(grid: PatchGrid) -> list[list[float]]:
    """Borders of the cells that patches stand for: of rows, of columns."""
    cells = Cells.of(grid)
    return [cells.row_edges.tolist(), cells.col_edges.tolist()]


def tell_grown(result: UnitResult, found: Measurement, side: int, wanted: int) -> dict[str, Any]:
    """The numbers: each as text, and as it is."""
    size = found.size()
    numbers = {
        "area": (size.area, f"{size.area:,.0f}{JOINED}px", found.interval("area")),
        "side": (size.side, f"{size.side:.0f}{JOINED}px", found.interval("side")),
        "share-of-image": (
            found.share_of_image,
            share_label(found.share_of_image),
            found.interval("share_of_image"),
        ),
        "share-of-theory": (
            found.share_of_theory,
            "unknown" if found.share_of_theory is None else share_label(found.share_of_theory),
            found.interval("share_of_theory"),
        ),
    }
    return {
        "kind": "grown",
        "tabSide": side,
        "unit": str(result.target),
        "summary": found.summary,
        "definition": size.meaning,
        "draws": result.draws,
        "wanted": wanted,
        "joint": result.joint,
        "peak": float(result.discrepancy.max()),
        "level": None if size.interval is None else share_label(size.interval.level),
        "numbers": {
            name: {"value": value, "text": text, "interval": _interval(name, interval)}
            for name, (value, text, interval) in numbers.items()
        },
        "python": python_of(result),
        "engine": engine_of(result),
    }


def _interval(name: str, interval: tuple[float, float] | None) -> dict[str, Any] | None:
    if interval is None:
        return None
    if name.startswith("share"):
        low, high = (share_label(end) for end in interval)
    else:
        low, high = (f"{end:,.0f}" for end in interval)
    return {"low": interval[0], "high": interval[1], "text": f"{low} to {high}"}


def engine_of(result: UnitResult) -> str:
    """What computed, and what it noticed."""
    notes = "; ".join(result.engine.notes)
    return f"{result.engine.name}{f': {notes}' if notes else ''}"


def python_of(result: UnitResult) -> str:
    """The call that gives the same bits.

    Every name in it is written as Python writes a string, so that it can be copied as it is.
    """
    settings, target = result.settings, result.target
    channel = "" if target.channel is None else f", channel={target.channel}"
    where = f"unit={result.unit}{channel}"
    if isinstance(settings, Gradient):
        return f"subject.probe({target.layer!r}, erf.Gradient(), {where})"
    assert isinstance(settings, Disturbance)
    said = [f"patch={settings.patch}", f"stride={settings.step}"]
    said += [f"draws=erf.{settings.rule!r}", f"sigma={settings.sigma!r}"]
    said += [f"memory={settings.memory!r}"]
    kind = type(settings).__name__
    return f"subject.probe({target.layer!r}, erf.{kind}({', '.join(said)}), {where})"
