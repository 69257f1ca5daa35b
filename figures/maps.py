"""A field on an axes whose coordinates are the image's pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure

from erf.errors import SettingError
from erf.measures import Cells
from figures.frame import align_ends, frame
from figures.words import share_label


@dataclass(frozen=True)
class ShareScale:
    """From a share of the peak to a colour.

    Attributes:
        kind: ``log``, which shows a field's long tail, or ``linear``.
        floor: the share below which a logarithmic scale shows nothing.
    """

    kind: str = "log"
    floor: float = 0.01

    def __post_init__(self) -> None:
        if self.kind not in ("log", "linear"):
            raise SettingError(f"scale {self.kind!r} is none of log, linear")
        if not 0 < self.floor < 1:
            raise SettingError(f"floor {self.floor} must lie between 0 and 1")

    @property
    def norm(self) -> Normalize:
        """Shares to 0..1; smaller than the scale's start counts as its start."""
        if self.kind == "linear":
            return Normalize(0, 1, clip=True)
        return LogNorm(self.floor, 1, clip=True)

    @property
    def ticks(self) -> list[float]:
        """Round shares to write beside a colour bar."""
        if self.kind == "linear":
            return [0, 0.25, 0.5, 0.75, 1]
        decades = range(int(np.floor(np.log10(self.floor))), 1)
        return [share for share in (10.0**decade for decade in decades) if share >= self.floor]


def overlay_colors(name: str = "inferno") -> ListedColormap:
    """A perceptually uniform map that is transparent at its start, to lie over a dimmed image."""
    shares = np.linspace(0, 1, 256)
    colors = colormaps[name](0.2 + 0.8 * shares)
    colors[:, 3] = 0.9 * np.clip(shares / 0.4, 0, 1)
    return ListedColormap(colors, name=f"{name}_overlay")


def draw_map(
    axes: Axes,
    field: Float64[np.ndarray, "rows cols"],
    cells: Cells,
    *,
    scale: ShareScale | None = None,
    peak: float | None = None,
    overlay: bool = False,
) -> QuadMesh:
    """Draw each patch's discrepancy as a share of the peak, over the cell it stands for.

    Args:
        field: discrepancies over the patch grid.
        cells: their layout, in pixels of the image.
        scale: colour scale; logarithmic down to 1 % unless given.
        peak: what 100 % means; the largest value of ``field`` unless given.
        overlay: let what is below shine through where the share is small.
    """
    scale = scale or ShareScale()
    peak = float(field.max()) if peak is None else peak
    mesh = axes.pcolormesh(
        cells.col_edges,
        cells.row_edges,
        field / peak if peak > 0 else np.zeros_like(field),
        norm=scale.norm,
        cmap=overlay_colors() if overlay else "inferno",
        rasterized=True,
        linewidth=0,
        gid="field",
    )
    rows, cols = cells.extent
    frame(axes, (rows, cols))
    return mesh


def draw_share_bar(
    strip: Axes, mesh: QuadMesh, scale: ShareScale, *, lines: Sequence[tuple[float, str]] = ()
) -> None:
    """A horizontal colour bar of shares of the peak, with contours' (level, style) across it."""
    figure = strip.figure
    assert isinstance(figure, Figure)
    bar = figure.colorbar(mesh, cax=strip, orientation="horizontal", ticks=scale.ticks)
    bar.ax.minorticks_off()
    bar.ax.set_xticklabels([share_label(share) for share in scale.ticks])
    align_ends(bar.ax)
    # What shines through the transparent end of the colours.
    strip.set_facecolor("0.3")
    for level, style in lines:
        strip.axvline(level, color="white", linewidth=1.0, linestyle=style, gid="level")
