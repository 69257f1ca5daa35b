"""Field: what every measure needs to know about one unit's map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from erf.errors import UnitError
from erf.geometry import Box, PatchGrid
from erf.measures.cells import Cells
from erf.measures.floor import NO_FLOOR, Floor, numerical_floor
from erf.results import LayerResult, UnitResult, each_of
from erf.settings import Gradient


@dataclass(frozen=True)
class Field:
    """One unit's map, laid out on its image.

    Attributes:
        values: discrepancy of each patch, mean over draws, nowhere negative.
        cells: the layout.
        image_size: (rows, cols), pixels.
        center: the unit's theoretical centre, (row, col) in pixels.
        center_from: ``theory`` when the unclipped theoretical field gave the centre; ``position``
            when it is the unit's place in its layer, scaled to the image, because the theory is
            the whole image or unknown.
        theory: pixels that can reach the unit, None when unknown.
        samples: the map of each draw, None when they were not kept.
        joint: whether a draw is one event for the whole map (a projection, an image), so that
            draws must be resampled whole; else each patch has its own independent draws.
        floor: what cannot be told from zero.
        reachable: patches that touch the theoretical field; what others show is rounding.
        label: such as ``fc7@7,7``.
        theory_status: ``exact``, ``upper_bound``, ``whole_image`` or ``unknown``.
        patch, stride: of the probe.
        image: what tells images apart, None when unknown.
        images: how many the map is an average of.
        recentred: whether the map is an average around units, with an extent of its own.
        method: what the map is of, such as ``noise`` or ``gradient, absolute``; empty when unknown.
    """

    values: Float64[np.ndarray, "rows cols"]
    cells: Cells
    image_size: tuple[int, int]
    center: tuple[float, float]
    center_from: str = "theory"
    theory: Box | None = None
    samples: Float64[np.ndarray, "draws rows cols"] | None = None
    joint: bool = False
    floor: Floor = NO_FLOOR
    reachable: Bool[np.ndarray, "rows cols"] | None = None
    label: str = ""
    theory_status: str = "unknown"
    patch: int = 1
    stride: int = 1
    image: str | None = None
    images: int = 1
    recentred: bool = False
    method: str = ""

    @classmethod
    def of(cls, result: UnitResult | LayerResult | Field) -> Field:
        """The field of a result that watched one unit.

        Raises:
            UnitError: when the result holds a whole layer.
        """
        if isinstance(result, Field):
            return result
        if isinstance(result, LayerResult):
            rows, cols = result.unit_count
            raise UnitError(
                f"result of {result.target} holds the fields of {rows}x{cols} units: "
                "name one (result.unit((row, col))), or average them (interior_average)"
            )
        theory = result.theory
        box = None if theory is None or theory.status == "unknown" else theory.box
        reachable = None if box is None else touches(result.grid, box)
        center, source = find_center(result)
        return cls(
            values=result.discrepancy,
            cells=Cells.of(result.grid),
            image_size=result.image_size,
            center=center,
            center_from=source,
            theory=box,
            samples=result.samples,
            joint=result.joint,
            floor=numerical_floor(
                result.discrepancy,
                reachable,
                exact=result.engine.exact,
                activation=abs(float(result.activation[result.unit])),
            ),
            reachable=reachable,
            label=str(result.target),
            theory_status="unknown" if theory is None else theory.status,
            patch=result.settings.patch,
            stride=result.settings.step,
            image=result.photo_sha256,
            method=_method(result),
        )

    @property
    def draws(self) -> int:
        """Draws that were kept; 1 when only the mean is known."""
        return 1 if self.samples is None else len(self.samples)

    @property
    def repeated(self) -> bool:
        """Whether there are draws to take intervals and tests from."""
        return self.draws > 1

    @property
    def heard(self) -> Bool[np.ndarray, "rows cols"]:
        """Patches whose discrepancy is more than rounding: above the floor, and reachable."""
        above = self.values > self.floor.value
        return above if self.reachable is None else above & self.reachable

    @property
    def clean(self) -> Float64[np.ndarray, "rows cols"]:
        """The map with zero where nothing is heard; what all sizes are taken from."""
        return np.where(self.heard, self.values, 0.0)


def _method(result: UnitResult) -> str:
    settings = result.settings
    return f"gradient, {settings.reduce}" if isinstance(settings, Gradient) else settings.method


def fields_of(results: object) -> list[Field]:
    """The fields of what a probe returned: one result, several, or several by name.

    Raises:
        SettingError: when there is none, or something else among them.
        UnitError: when one holds a whole layer.
    """
    found = each_of(results, (UnitResult, LayerResult, Field), "result of a probe")
    return [Field.of(each) for each in found]


def find_center(result: UnitResult) -> tuple[tuple[float, float], str]:
    """The unit's theoretical centre, and where it comes from (see ``Field.center_from``)."""
    center = None if result.theory is None else result.theory.center
    if center is not None:
        return center, "theory"
    row, col = (
        (position + 0.5) * pixels / units - 0.5
        for position, pixels, units in zip(
            result.unit, result.image_size, result.unit_count, strict=True
        )
    )
    return (row, col), "position"


def touches(grid: PatchGrid, box: Box) -> Bool[np.ndarray, "patch_rows patch_cols"]:
    """Which patches share a pixel with ``box``."""
    top, left = grid.starts
    rows = (top < box.bottom) & (top + grid.patch > box.top)
    cols = (left < box.right) & (left + grid.patch > box.left)
    return np.logical_and.outer(rows, cols)
