"""Text that fits: measured, wrapped or shortened before it is drawn."""

from __future__ import annotations

import numpy as np
from matplotlib.textpath import TextPath

ELLIPSIS = "…"

HINTING = 1.05
"""Letters snapped to the pixels of a PNG are up to this much wider than their outlines."""


def text_width(text: str, points: float) -> float:
    """Width of one line of ``text`` in inches, set in the style's font at ``points``."""
    if not text.strip():
        return 0.0
    across = np.asarray(TextPath((0, 0), text, size=points).vertices)[:, 0]
    return float(np.ptp(across)) / 72 * HINTING


def shorten(text: str, width: float, points: float) -> str:
    """``text``, with its middle left out when it is wider than ``width`` inches.

    The middle goes because both ends of a layer's name tell it apart.
    """
    if text_width(text, points) <= width:
        return text
    for kept in range(len(text) - 1, 1, -1):
        head = text[: (kept + 1) // 2]
        tail = text[len(text) - kept // 2 :]
        if text_width(head + ELLIPSIS + tail, points) <= width:
            return head + ELLIPSIS + tail
    return ELLIPSIS


def wrap(text: str, width: float, points: float) -> list[str]:
    """Lines of ``text``, broken at spaces, none wider than ``width`` inches.

    A single word wider than that is shortened.
    """
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, points) <= width:
            lines[-1] = longer
        else:
            lines.append(shorten(word, width, points))
    return lines
