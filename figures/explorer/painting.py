"""From arrays to pixels and lines of the page: the same colours as the figures."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Float64, Shaped, UInt8, UInt32
from matplotlib import colormaps
from matplotlib.colors import to_hex

from erf.measures import Cells
from figures.maps import ShareScale, overlay_colors
from figures.photo import dimmed
from figures.report.sheet import averaged

MOST_PIXELS = 640
"""Rows and columns that are sent to the page, at most; it has no room for more."""
MOST_UNITS = 96
"""Layers with more rows or columns are shown by averages of blocks of units."""
MOST_LINES = 20_000
"""Borders of what the criterion counts; more would be a grey cloud, and slow."""

Raster = UInt32[np.ndarray, "shown_rows shown_cols"]
"""Pixels as Bokeh takes them: bytes of red, green, blue and opacity."""


def photo_raster(levels: UInt8[np.ndarray, "rows cols 3"], *, dim: bool = True) -> Raster:
    """The photo, dimmed to grey so that colour over it stands out, or as it is."""
    few = levels[np.ix_(*(_chosen(side) for side in levels.shape[:2]))]
    shares = dimmed(few) if dim else few / 255
    return pack(np.concatenate([shares, np.ones((*few.shape[:2], 1))], axis=-1))


def field_raster(
    field: Float64[np.ndarray, "patch_rows patch_cols"], cells: Cells, size: tuple[int, int]
) -> Raster:
    """A field over its image: each pixel has the colour of its cell's share of the peak."""
    peak = float(field.max())
    shares = field / peak if peak > 0 else np.zeros_like(field)
    colors = overlay_colors()(ShareScale().norm(shares))
    rows, cols = (
        np.clip(np.searchsorted(edges, _chosen(side), side="right") - 1, 0, len(edges) - 2)
        for edges, side in zip((cells.row_edges, cells.col_edges), size, strict=True)
    )
    return pack(np.asarray(colors))[np.ix_(rows, cols)]


def response_raster(activation: Float[np.ndarray, "unit_rows unit_cols"]) -> Raster:
    """A layer's clean response, from its smallest value to its largest."""
    few = averaged(activation, MOST_UNITS)
    return _scaled(few, float(few.min()), "cividis")


def reach_raster(field: Float[np.ndarray, "unit_rows unit_cols"]) -> Raster:
    """How much a patch changes each unit, from zero to the largest change."""
    return _scaled(averaged(field, MOST_UNITS), 0.0, "inferno")


def contour(
    inside: Bool[np.ndarray, "rows cols"], cells: Cells
) -> dict[str, Shaped[np.ndarray, " n"]]:
    """Lines between cells that are inside and those that are not, and along the border.

    Returns:
        ``x0``, ``y0``, ``x1``, ``y1`` of each; none where there are more than `MOST_LINES`.
    """
    padded = np.pad(inside, 1)
    row, col = np.nonzero(padded[1:, 1:-1] != padded[:-1, 1:-1])  # below and above an edge
    down, right = np.nonzero(padded[1:-1, 1:] != padded[1:-1, :-1])
    y, x = cells.row_edges, cells.col_edges
    lines = {
        "x0": np.concatenate([x[col], x[right]]),
        "y0": np.concatenate([y[row], y[down]]),
        "x1": np.concatenate([x[col + 1], x[right]]),
        "y1": np.concatenate([y[row], y[down + 1]]),
    }
    few = len(lines["x0"]) <= MOST_LINES
    return {name: values if few else values[:0] for name, values in lines.items()}


def scale_css() -> str:
    """The field's colours as CSS, from the scale's start to the peak."""
    colors = overlay_colors()(np.linspace(0, 1, 17))
    return ", ".join(to_hex(color, keep_alpha=True) for color in colors)


def pack(colors: Float[np.ndarray, "shown_rows shown_cols 4"]) -> Raster:
    """Shares of red, green, blue and opacity as one number a pixel."""
    levels = np.rint(255 * colors).astype(np.uint8)
    return np.ascontiguousarray(levels).view(np.uint32)[..., 0]


def _scaled(values: Float64[np.ndarray, "rows cols"], low: float, name: str) -> Raster:
    high = float(values.max())
    shares = (values - low) / (high - low) if high > low else np.zeros_like(values)
    return pack(np.asarray(colormaps[name](shares)))


def _chosen(side: int) -> np.ndarray:
    """Which pixels of a side are sent: all, or as many as the page has room for, evenly."""
    count = min(side, MOST_PIXELS)
    return ((np.arange(count) + 0.5) * side / count).astype(np.int64)
