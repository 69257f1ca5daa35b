"""Comparing two engines on a few patches before one is trusted with all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from erf.engines.engine import Change, Engine
from erf.geometry import PatchGrid

RELATIVE = 1e-2
"""Difference allowed on one discrepancy, relative to it: a kink or a tie may fall the other way."""
FLOOR = 1e-5
"""Rounding allowed to the dense engine, relative to the clean activation, in float32."""


@dataclass(frozen=True)
class Agreement:
    """How closely an engine follows another on the patches that were compared.

    Attributes:
        patches: how many were compared, one draw each.
        difference: largest difference of a discrepancy, over the largest discrepancy.
        agrees: whether every difference is within what rounding explains.
    """

    patches: int
    difference: float
    agrees: bool


def sample_patches(grid: PatchGrid) -> Int64[np.ndarray, " n"]:
    """A few patches: the corners, the middle, and half way between."""
    rows, cols = (
        np.unique(np.linspace(0, size - 1, 3).round().astype(np.int64)) for size in grid.shape
    )
    return (rows[:, None] * grid.shape[1] + cols).ravel()


def compare(
    engine: Engine,
    reference: Engine,
    *,
    grid: PatchGrid,
    change: Change,
    activations: Sequence[float],
) -> Agreement:
    """Run both engines on a few patches.

    Args:
        engine: the one in question.
        reference: the one that is right, up to its rounding.
        grid: of patches.
        change: the stimulus.
        activations: size of each target's clean response, which rounding is relative to.
    """
    patches = sample_patches(grid)
    worst, agrees = 0.0, True
    pairs = zip(
        _readings(engine, grid, patches, change),
        _readings(reference, grid, patches, change),
        activations,
        strict=True,
    )
    for found, expected, activation in pairs:
        difference = np.abs(found - expected)
        peak = float(expected.max(initial=0.0))
        worst = max(worst, float(difference.max(initial=0.0)) / peak if peak > 0 else 0.0)
        agrees &= bool((difference <= RELATIVE * expected + FLOOR * activation).all())
    return Agreement(len(patches), worst, agrees)


def _readings(
    engine: Engine, grid: PatchGrid, patches: Int64[np.ndarray, " n"], change: Change
) -> list[Float64[np.ndarray, "n ..."]]:
    """Draw 0 of every patch: one array a target, in the order of ``patches``."""
    found: dict[int, tuple[np.ndarray, ...]] = {}
    for reading in engine.measure(grid, patches.tolist(), [0], change):
        for index, patch in enumerate(reading.patches.tolist()):
            found[patch] = tuple(values[index] for values in reading.values)
    return [
        np.stack(each) for each in zip(*(found[patch] for patch in patches.tolist()), strict=True)
    ]
