"""Numbers as a caption says them. A number and its unit stay on one line."""

from __future__ import annotations

import math

JOINED = "\N{NO-BREAK SPACE}"


def share_label(share: float) -> str:
    """``0.234`` as ``23 %``; two digits below 10 %, "under 0.1 %" below that."""
    if not math.isfinite(share):
        return "unknown"
    value = 100 * share
    if value == 0 or value >= 9.95:
        return f"{value:.0f}{JOINED}%"
    if value < 0.0995:
        return f"under{JOINED}0.1{JOINED}%"
    return f"{value:.2g}{JOINED}%"


def size_label(rows: float, cols: float) -> str:
    """``404 × 404 px``, row before column."""
    return f"{rows:.0f}{JOINED}×{JOINED}{cols:.0f}{JOINED}px"
