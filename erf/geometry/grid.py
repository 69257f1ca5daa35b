"""The grid of patches that slide over an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from erf.errors import SettingError
from erf.geometry.box import Box


@dataclass(frozen=True)
class PatchGrid:
    """Square patches that together cover a whole image.

    Attributes:
        image_size: (rows, cols) of the image, pixels.
        patch: side of a patch, pixels.
        stride: step between neighbours, pixels. The last row and column of patches are shifted
            inward to end at the border, so no pixel is left out when ``stride <= patch``.
    """

    image_size: tuple[int, int]
    patch: int
    stride: int

    def __post_init__(self) -> None:
        for name, value in (("patch", self.patch), ("stride", self.stride)):
            if value < 1:
                raise SettingError(f"{name} {value} must be at least 1 pixel")
        if self.patch > min(self.image_size):
            rows, cols = self.image_size
            raise SettingError(f"patch {self.patch} is larger than the image ({rows}x{cols})")
        if self.stride > self.patch:
            raise SettingError(
                f"stride {self.stride} is larger than patch {self.patch}: "
                "pixels between patches would be left out"
            )

    @property
    def starts(self) -> tuple[Int64[np.ndarray, " rows"], Int64[np.ndarray, " cols"]]:
        """First pixel of each patch row and of each patch column."""
        rows, cols = (
            np.append(np.arange(0, size - self.patch, self.stride), size - self.patch)
            for size in self.image_size
        )
        return rows, cols

    @property
    def shape(self) -> tuple[int, int]:
        """(patch_rows, patch_cols)."""
        rows, cols = self.starts
        return len(rows), len(cols)

    def __len__(self) -> int:
        rows, cols = self.shape
        return rows * cols

    def box(self, index: int) -> Box:
        """Box of the patch with this flat, row-major ``index``."""
        rows, cols = self.starts
        top, left = int(rows[index // len(cols)]), int(cols[index % len(cols)])
        return Box(top, left, top + self.patch, left + self.patch)

    @property
    def boxes(self) -> Int64[np.ndarray, "patch_rows patch_cols 4"]:
        """(top, left, bottom, right) of every patch."""
        rows, cols = self.starts
        top, left = np.meshgrid(rows, cols, indexing="ij")
        return np.stack([top, left, top + self.patch, left + self.patch], axis=-1)

    @property
    def centers(self) -> tuple[Float64[np.ndarray, " rows"], Float64[np.ndarray, " cols"]]:
        """Centres of patch rows and columns, where pixel ``i`` has its centre at ``i``."""
        rows, cols = self.starts
        half = (self.patch - 1) / 2
        return rows + half, cols + half

    @property
    def areas(self) -> Float64[np.ndarray, "patch_rows patch_cols"]:
        """Image area each patch stands for, in pixels: its cell when the image is cut half-way
        between neighbouring patch centres. The areas sum to the image's."""
        rows, cols = (
            np.diff(np.concatenate([[-0.5], (centers[1:] + centers[:-1]) / 2, [size - 0.5]]))
            for centers, size in zip(self.centers, self.image_size, strict=True)
        )
        return np.outer(rows, cols)
