"""What a figure says in words."""

from __future__ import annotations

from collections.abc import Sequence

from erf.measures import Field, Measurement
from erf.result import ProbeResult, TheoreticalExtent
from figures.outlines import Outline, legend
from figures.words import JOINED, percent, size


def field_caption(
    result: ProbeResult, measurement: Measurement, outlines: Sequence[Outline]
) -> str:
    """The numbers of a field: its shares, its size with interval, the lines, the stimulus."""
    field = Field.of(result)
    size = measurement.size()
    side = f"side of equal area {size.side:.0f}{JOINED}px{spread(measurement)}"
    parts = [f"{model_name(result)}, {result.target} {measurement.summary}: {size.meaning}, {side}"]
    lines = legend(field.clean, field.cells, outlines)
    if lines:
        parts.append(f"Lines: {lines}")
    parts.append(stimulus_note(result))
    return ". ".join(parts) + "."


def spread(measurement: Measurement) -> str:
    """The interval of the side in brackets; it may lie beside the value, and then says why."""
    size, interval = measurement.size(), measurement.interval("side")
    if size.interval is None or interval is None:
        return ""
    low, high = interval
    bias = "" if low <= size.side <= high else " once corrected for the bias of few draws"
    return f" ({percent(size.interval.level)} interval {low:.0f} to {high:.0f}{bias})"


def stimulus_note(result: ProbeResult) -> str:
    """What disturbed the patches."""
    plan = result.plan
    method = result.provenance.get("method")
    if method is not None:
        return f"Method: {method}"
    draws = "draw" if plan.draws == 1 else "draws"
    return f"{plan.draws}{JOINED}{draws} of the {plan.stimulus} stimulus"


def model_name(result: ProbeResult) -> str:
    """The model's name in the result's provenance, or "model"."""
    model = result.provenance.get("model")
    name = model.get("name") if isinstance(model, dict) else None
    return str(name) if name else "model"


def image_note(result: ProbeResult) -> str:
    """Size of the image and of the patch that slid over it."""
    rows, cols = result.grid.image_size
    plan = result.plan
    return f"{size(rows, cols)}; patch {plan.patch}, stride {plan.stride} px"


def theory_note(theory: TheoreticalExtent | None, image_size: tuple[int, int]) -> str:
    """Size of the theoretical field and how much of the image its visible part covers."""
    if theory is None:
        return "not derived for this model"
    rows, cols = image_size
    covers = percent(theory.box.clip(image_size).area / (rows * cols))
    if theory.status == "whole_image":
        return f"the whole image{_because(theory)}"
    at_most = "at most " if theory.status == "upper_bound" else ""
    whole = theory.unclipped or theory.box
    extent = theory.size or whole.size
    return f"{at_most}{size(*extent)}, {covers} of the image"


def _because(theory: TheoreticalExtent) -> str:
    return f" ({', '.join(theory.reasons)})" if theory.reasons else ""


def image_name(result: ProbeResult) -> str:
    """The image's name in the result's provenance, or "image"."""
    image = result.provenance.get("image")
    name = image.get("name") if isinstance(image, dict) else None
    return str(name) if name else "image"
