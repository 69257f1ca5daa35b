"""Cells: the piece of the image that each value of a map stands for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Shaped

from erf.geometry import PatchGrid


@dataclass(frozen=True)
class Cells:
    """A map's layout: the image cut half-way between neighbouring patch centres.

    A cell is what a patch stands for when areas are added up; a pixel is the cell of a patch of
    one pixel. Patches that overlap (stride below patch) make a map finer, not sharper: each value
    is still an average over its whole patch, and a field is blurred by the patch. Nothing here
    undoes that: a field cannot be measured smaller than a patch.

    Attributes:
        row_centers, col_centers: patch centres, where pixel ``i`` has its centre at ``i``.
        row_edges, col_edges: borders between cells, one more than there are centres.
    """

    row_centers: Float64[np.ndarray, " rows"]
    col_centers: Float64[np.ndarray, " cols"]
    row_edges: Float64[np.ndarray, " rows+1"]
    col_edges: Float64[np.ndarray, " cols+1"]

    @classmethod
    def of(cls, grid: PatchGrid) -> Cells:
        """The cells of a patch grid; their areas are ``grid.areas``."""
        rows, cols = grid.centers
        row_edges, col_edges = (
            np.concatenate([[-0.5], (centers[1:] + centers[:-1]) / 2, [size - 0.5]])
            for centers, size in zip((rows, cols), grid.image_size, strict=True)
        )
        return cls(rows, cols, row_edges, col_edges)

    @classmethod
    def of_pixels(cls, size: tuple[int, int]) -> Cells:
        """One cell a pixel, for maps as large as their image."""
        return cls.of(PatchGrid(size, patch=1, stride=1))

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, cols) of the map."""
        return len(self.row_centers), len(self.col_centers)

    @property
    def areas(self) -> Float64[np.ndarray, "rows cols"]:
        """Area of each cell, pixels."""
        return np.outer(np.diff(self.row_edges), np.diff(self.col_edges))

    @property
    def extent(self) -> tuple[float, float]:
        """(height, width) of all cells together, pixels."""
        return (
            float(self.row_edges[-1] - self.row_edges[0]),
            float(self.col_edges[-1] - self.col_edges[0]),
        )

    def distances(self, center: tuple[float, float]) -> Float64[np.ndarray, "rows cols"]:
        """Distance of each patch centre from a point, pixels."""
        return np.hypot(self.row_centers[:, None] - center[0], self.col_centers - center[1])

    def to_pixels(self, values: Shaped[np.ndarray, "rows cols"]) -> Shaped[np.ndarray, "h w"]:
        """The map as an image: each pixel has the value of the cell that holds its centre."""
        rows, cols = (
            np.searchsorted(edges, np.arange(round(float(edges[-1] + 0.5))), side="right") - 1
            for edges in (self.row_edges, self.col_edges)
        )
        return values[np.ix_(rows, cols)]
