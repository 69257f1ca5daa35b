"""What a figure says in words."""

from __future__ import annotations

from collections.abc import Sequence

from erf.measures import Field, Measurement
from erf.results import Result, UnitResult
from erf.settings import Disturbance
from erf.theoretical import UnitTheory
from figures.outlines import Outline, legend
from figures.words import JOINED, share_label, size_label


def field_caption(result: UnitResult, measurement: Measurement, outlines: Sequence[Outline]) -> str:
    """The numbers of a field: its shares, its size with interval, the lines, the stimulus."""
    field = Field.of(result)
    size = measurement.size()
    side = f"side of equal area {size.side:.0f}{JOINED}px{spread(measurement)}"
    parts = [f"{result.model_name}, {result.target} {measurement.summary}: {size.meaning}, {side}"]
    lines = legend(field.clean, field.cells, outlines)
    if lines:
        parts.append(f"Lines: {lines}")
    parts.append(stimulus_note(result))
    if result.shown is not None:
        parts.append(f"The image shows {result.shown}")
    return ". ".join(parts) + "."


def spread(measurement: Measurement) -> str:
    """The interval of the side in brackets; it may lie beside the value, and then says why."""
    size, interval = measurement.size(), measurement.interval("side")
    if size.interval is None or interval is None:
        return ""
    low, high = interval
    bias = "" if low <= size.side <= high else " once corrected for the bias of few draws"
    return f" ({share_label(size.interval.level)} interval {low:.0f} to {high:.0f}{bias})"


def stimulus_note(result: Result) -> str:
    """What disturbed the patches."""
    settings, draws = result.settings, "draw" if result.draws == 1 else "draws"
    if isinstance(settings, Disturbance):
        return f"{result.draws}{JOINED}{draws} of the {settings.disturbing.name} stimulus"
    return f"Method: {settings.method}"


def image_note(result: Result) -> str:
    """Size of the image and of the patch that slid over it."""
    rows, cols = result.grid.image_size
    settings = result.settings
    return f"{size_label(rows, cols)}; patch {settings.patch}, stride {settings.step} px"


def theory_note(theory: UnitTheory | None, image_size: tuple[int, int]) -> str:
    """Size of the theoretical field and how much of the image its visible part covers."""
    if theory is None:
        return "not derived for this model"
    rows, cols = image_size
    covers = share_label(theory.box.clip(image_size).area / (rows * cols))
    if theory.status == "whole_image":
        return f"the whole image{_because(theory)}"
    at_most = "at most " if theory.status == "upper_bound" else ""
    whole = theory.unclipped or theory.box
    extent = theory.size or whole.size
    return f"{at_most}{size_label(*extent)}, {covers} of the image"


def _because(theory: UnitTheory) -> str:
    return f" ({', '.join(theory.reasons)})" if theory.reasons else ""
