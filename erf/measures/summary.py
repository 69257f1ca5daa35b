"""Sentences that a person understands."""

from __future__ import annotations

from erf.measures.intervals import Interval


def percent(share: float) -> str:
    """``23 %``; one decimal below 10 %, two below 1 %."""
    digits = 0 if share >= 0.0995 else 1 if share >= 0.00995 else 2
    return f"{100 * share:.{digits}f} %"


def share_text(of_image: float, of_theory: float | None, *, recentred: bool = False) -> str:
    """``hears 23 % of the image; 38 % of its theoretical field``."""
    if of_image == 0:
        return "hears nothing of the image"
    image = f"hears {percent(of_image)} of the {'recentred map' if recentred else 'image'}"
    if of_theory is None:
        return f"{image}; its theoretical field is unknown"
    return f"{image}; {percent(of_theory)} of its theoretical field"


def sentence(
    target: str,
    shares: str,
    meaning: str,
    area: float,
    image_size: tuple[int, int],
    interval: Interval | None,
) -> str:
    """The shares with everything needed to judge them: unit, definition, image, interval."""
    rows, cols = image_size
    text = f"{target} {shares} ({meaning}: {area:,.0f} of {rows}x{cols} pixels"
    if interval is not None:
        text += f"; {percent(interval.level)} interval {interval.low:,.0f} to {interval.high:,.0f}"
        if not interval.low <= area <= interval.high:
            text += ", corrected for the bias of few draws"
    return text + ")"
