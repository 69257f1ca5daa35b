"""The smallest square around the unit that holds a share of a map's mass."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from erf.measures.cells import Cells
from erf.measures.shares import check_share

_HALVINGS = 50


def mass_in_square(
    field: Float64[np.ndarray, "*batch rows cols"],
    cells: Cells,
    center: tuple[float, float],
    side: Float64[np.ndarray, "*batch"] | float,
) -> Float64[np.ndarray, "*batch"]:
    """Mass within a square, each cell counting by the part of it that lies inside."""
    rows = _lengths_inside(cells.row_edges, center[0], side)
    cols = _lengths_inside(cells.col_edges, center[1], side)
    return np.asarray(np.einsum("...r,...rc,...c->...", rows, field, cols))


def _lengths_inside(
    edges: Float64[np.ndarray, " edges"], center: float, side: Float64[np.ndarray, "*batch"] | float
) -> Float64[np.ndarray, "*batch n"]:
    """Length of each cell inside the square, along one axis."""
    half = np.asarray(side)[..., None] / 2
    return np.asarray(np.diff(np.clip(edges, center - half, center + half), axis=-1))


def centred_square(
    field: Float64[np.ndarray, "*batch rows cols"],
    cells: Cells,
    center: tuple[float, float],
    share: float,
    *,
    whole: bool = False,
) -> Float64[np.ndarray, "*batch"]:
    """Side of the smallest square around ``center`` that holds ``share`` of the mass, pixels.

    The square may reach beyond the border, where there is no mass: a unit near the border has a
    larger square than its like in the middle. RepLKNet's measure, but around the unit instead of
    the image's centre, and of the map itself instead of its logarithm.

    Args:
        field: one map, or a stack of them, nowhere negative.
        cells: its layout.
        center: of the unit, (row, col) in pixels.
        share: of the mass, between 0 and 1.
        whole: count only whole pixels, for a centre on a pixel: sides 1, 3, 5, ...

    Raises:
        SettingError: when ``share`` is not between 0 and 1.
    """
    check_share(share)
    reach = max(
        abs(edge - middle)
        for edges, middle in zip((cells.row_edges, cells.col_edges), center, strict=True)
        for edge in (float(edges[0]), float(edges[-1]))
    )
    total = (field * cells.areas).sum(axis=(-2, -1))
    low = np.zeros_like(total)
    high = np.full_like(total, 2 * reach)
    for _ in range(_HALVINGS):
        side = (low + high) / 2
        enough = mass_in_square(field, cells, center, side) >= share * total
        low, high = np.where(enough, low, side), np.where(enough, side, high)
    side = np.where(total > 0, high, 0.0)
    return np.asarray(2 * np.ceil((side - 1) / 2 - 1e-9) + 1 if whole else side)


def square_inside_image(
    cells: Cells, center: tuple[float, float], side: Float64[np.ndarray, "*batch"] | float
) -> Float64[np.ndarray, "*batch"]:
    """Area of the part of a square that lies inside the image, pixels."""
    rows = _lengths_inside(cells.row_edges, center[0], side).sum(axis=-1)
    cols = _lengths_inside(cells.col_edges, center[1], side).sum(axis=-1)
    return np.asarray(rows * cols)
