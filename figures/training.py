"""Loss and scores of training runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from erf.errors import SettingError
from figures.lettering import shorten
from figures.style import Width, inches, styled

Curve = Sequence[tuple[int, float]]
"""(iteration, value), in order."""

SMOOTHING = 0.05
"""A loss is averaged over this share of a run, because single batches jump."""


@styled
def training_figure(
    losses: Mapping[str, Curve],
    scores: Mapping[str, Curve] | None = None,
    *,
    score_name: str = "mean IoU",
    width: Width = "page",
) -> Figure:
    """Loss, and where there are scores those beside it, one line a run.

    Args:
        losses: by the run's name.
        scores: by the run's name, as shares.
        score_name: what they are.
        width: ``column``, ``page`` or inches.

    Raises:
        SettingError: when a run has no loss, or ``width`` is out of range.
    """
    empty = [name for name, curve in losses.items() if not curve]
    if empty or not losses:
        raise SettingError(f"run {empty[0] if empty else ''!r} holds no losses to draw")
    columns = 2 if scores and any(scores.values()) else 1
    figure = Figure(figsize=(inches(width), 2.2), layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False)[0]
    draw_losses(axes[0], losses)
    if columns == 2 and scores:
        draw_scores(axes[1], scores, score_name)
    return figure


def draw_losses(axes: Axes, losses: Mapping[str, Curve]) -> None:
    """Each batch's loss faintly, its running mean on top."""
    for name, curve in losses.items():
        iterations, values = np.array([i for i, _ in curve]), np.array([v for _, v in curve])
        window = max(1, round(SMOOTHING * len(values)))
        smooth = running_mean(values, window)
        (line,) = axes.plot(iterations, smooth, label=shorten(name, 1.2, 6))
        axes.plot(iterations, values, color=line.get_color(), alpha=0.2, linewidth=0.5)
    axes.set_xlabel("iteration")
    axes.set_title("loss")
    axes.set_ylim(0, None)
    axes.grid(axis="y")
    axes.legend()


def draw_scores(axes: Axes, scores: Mapping[str, Curve], score_name: str) -> None:
    """One line a run, 0 to 1."""
    for name, curve in scores.items():
        axes.plot([i for i, _ in curve], [v for _, v in curve], "o-", label=shorten(name, 1.2, 6))
    axes.set_xlabel("iteration")
    axes.set_title(score_name)
    axes.set_ylim(0, 1)
    axes.grid(axis="y")


def running_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Mean over ``window`` values around each, over fewer at the ends."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    first = np.maximum(index - (window - 1) // 2, 0)
    last = np.minimum(index + window // 2 + 1, len(values))
    return np.asarray((total[last] - total[first]) / (last - first))
