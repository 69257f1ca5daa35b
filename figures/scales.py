"""Why ParseNet normalises: how long the feature vectors of different layers are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from erf.errors import SettingError
from figures.lettering import shorten
from figures.style import Width, inches, styled

Norms = Mapping[str, Float64[np.ndarray, " positions"]]
"""L2 norms over channels at sampled positions, by layer."""


@styled
def scales_figure(before: Norms, after: Norms | None = None, *, width: Width = "column") -> Figure:
    """L2 norms of features before and after normalisation, on one logarithmic scale.

    Args:
        before: of the layers' own responses.
        after: of the normalised responses, same layers; None or none where nothing is normalised:
            one panel that says so.
        width: ``column``, ``page`` or inches.

    Raises:
        SettingError: when there is no layer, or not the same ones before and after, a norm is not
            finite, or ``width`` is out of range.
    """
    after = after or {}
    if not before or (after and set(before) != set(after)):
        raise SettingError(
            f"layers before ({', '.join(before)}) and after normalisation ({', '.join(after)}) "
            "must be the same, at least one"
        )
    for norms in (before, after):
        for layer, values in norms.items():
            if not np.isfinite(values).all():
                raise SettingError(f"layer {layer} has vectors whose norm is not finite")
    figure = Figure(figsize=(inches(width), 2.1), layout="constrained")
    titled = {"before normalising": before, "after normalising": after}
    titled = titled if after else {"as they are: nothing is normalised": before}
    panels = figure.subplots(1, len(titled), sharey=True, squeeze=False)[0]
    for axes, (title, norms) in zip(panels, titled.items(), strict=True):
        draw_norms(axes, norms)
        axes.set_title(title)
    panels[0].set_ylabel("L2 norm over channels")
    return figure


def draw_norms(axes: Axes, norms: Norms) -> None:
    """One column a layer: its sampled norms, ordered by size, and their median.

    Zero norms have no place on a logarithmic axis and are left out; where there is nothing else,
    a 0 stands at the foot.
    """
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
    for place, (layer, values) in enumerate(norms.items()):
        shown = np.sort(values[values > 0])
        spread = place + np.linspace(-0.3, 0.3, len(shown)) * (len(shown) > 1)
        axes.plot(spread, shown, ".", markersize=2, alpha=0.5, gid=f"norms {layer}")
        if len(shown):
            median = float(np.median(shown))
            axes.hlines(median, place - 0.35, place + 0.35, color="0.1", linewidth=1.0)
            axes.annotate(
                f"{median:,.0f}" if median >= 100 else f"{median:.2g}",
                (place, float(shown[-1])),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=6,
            )
        else:
            foot = axes.get_xaxis_transform()
            axes.text(place, 0.02, "0", transform=foot, ha="center", va="bottom", fontsize=6)
    axes.margins(y=0.15)
    names = [shorten(layer, 0.8, 6) for layer in norms]
    axes.set_xticks(range(len(norms)), names, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_xlim(-0.6, len(norms) - 0.4)
    axes.grid(axis="y")
