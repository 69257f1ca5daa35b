"""Comparing two engines on a few patches before one is trusted with all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int64

from erf.engines.engine import Disturb, Engine
from erf.engines.report import Agreement
from erf.geometry import PatchGrid

RELATIVE = 1e-2
"""Difference allowed on one discrepancy, relative to it: a kink or a tie may fall the other way."""
FLOOR = 1e-5
"""Rounding allowed to the dense engine, relative to the clean activation, in float32."""


def sample_patches(
    grid: PatchGrid, places: Sequence[tuple[float, float]] = ()
) -> Int64[np.ndarray, " n"]:
    """A few patches: the corners, the middle, half way between, and those at some places.

    Args:
        grid: of patches.
        places: (row, col) in shares of the image's sides, such as where a unit stands.
    """
    rows, cols = (
        np.unique(np.linspace(0, size - 1, 3).round().astype(np.int64)) for size in grid.shape
    )
    few = (rows[:, None] * grid.shape[1] + cols).ravel()
    near = [
        int(row * grid.shape[0]) * grid.shape[1] + int(col * grid.shape[1]) for row, col in places
    ]
    return np.unique(np.concatenate([few, np.array(near, dtype=np.int64)]))


def hold_against(
    engine: Engine,
    reference: Engine,
    *,
    grid: PatchGrid,
    disturb: Disturb,
    activations: Sequence[float],
    places: Sequence[tuple[float, float]] = (),
) -> Agreement:
    """Run both engines on a few patches.

    Args:
        engine: the one in question.
        reference: the one that is right, up to its rounding.
        grid: of patches.
        disturb: the stimulus.
        activations: size of each target's clean response, which rounding is relative to.
        places: where the targets' units stand, in shares of the image's sides.
    """
    patches = sample_patches(grid, places)
    worst, floor, agrees = 0.0, 0.0, True
    pairs = zip(
        _readings(engine, grid, patches, disturb),
        _readings(reference, grid, patches, disturb),
        activations,
        strict=True,
    )
    for found, expected, activation in pairs:
        difference, rounding = np.abs(found - expected), FLOOR * activation
        peak = float(expected.max(initial=0.0))
        heard = difference[np.maximum(found, expected) > rounding]
        worst = max(worst, float(heard.max(initial=0.0)) / peak if peak > 0 else 0.0)
        floor = max(floor, rounding / peak if peak > 0 else np.inf)
        agrees &= bool((difference <= RELATIVE * expected + rounding).all())
    return Agreement(len(patches), worst, agrees, floor)


def _readings(
    engine: Engine, grid: PatchGrid, patches: Int64[np.ndarray, " n"], disturb: Disturb
) -> list[Float64[np.ndarray, "n ..."]]:
    """Draw 0 of every patch: one array a target, in the order of ``patches``."""
    found: dict[int, tuple[np.ndarray, ...]] = {}
    for reading in engine.measure(grid, patches.tolist(), [0], disturb):
        for index, patch in enumerate(reading.patches.tolist()):
            found[patch] = tuple(values[index] for values in reading.values)
    return [
        np.stack(each) for each in zip(*(found[patch] for patch in patches.tolist()), strict=True)
    ]
