"""Running two engines on the same disturbances, and comparing what they say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from erf.engines.delta import DeltaEngine
from erf.engines.dense import DenseEngine
from erf.engines.engine import Disturb
from erf.geometry import PatchGrid, Target
from erf.graph import Graph


def noise(patch: int, channels: int, dtype: torch.dtype, scale: float = 0.3) -> Disturb:
    """A change function: Gaussian noise, a pure function of patch and draw."""

    def change(patches: np.ndarray, draws: np.ndarray) -> Float[Tensor, "n c patch patch"]:
        fields = [
            np.random.default_rng([int(p), int(d)]).standard_normal((channels, patch, patch))
            for p, d in zip(patches, draws, strict=True)
        ]
        return torch.from_numpy(scale * np.stack(fields)).to(dtype)

    return change


def collect(
    engine: DeltaEngine | DenseEngine,
    grid: PatchGrid,
    patches: Sequence[int],
    draws: int,
    change: Disturb,
) -> list[Float64[np.ndarray, "patches draws ..."]]:
    """All readings, one array a target, in the order asked for."""
    found: list[dict[tuple[int, int], np.ndarray]] = [{} for _ in engine.targets]
    for reading in engine.measure(grid, patches, range(draws), change):
        for seen, values in zip(found, reading.values, strict=True):
            for patch, draw, value in zip(reading.patches, reading.draws, values, strict=True):
                assert (int(patch), int(draw)) not in seen
                seen[int(patch), int(draw)] = value
    return [
        np.stack([[seen[patch, draw] for draw in range(draws)] for patch in patches])
        for seen in found
    ]


def both(
    model: nn.Module,
    image: Float[Tensor, "c h w"],
    targets: Sequence[Target],
    grid: PatchGrid,
    *,
    patches: Sequence[int] | None = None,
    draws: int = 2,
    batch_size: int | None = None,
    scale: float = 0.3,
    graph: Graph | None = None,
) -> tuple[list[np.ndarray], list[np.ndarray], DeltaEngine]:
    """What delta and dense say, and the delta engine."""
    some = list(range(len(grid)) if patches is None else patches)
    change = noise(grid.patch, len(image), image.dtype, scale)
    with torch.no_grad():
        delta = DeltaEngine(graph or model.eval(), image, targets, batch_size=batch_size)
        found = collect(delta, grid, some, draws, change)
        truth = collect(DenseEngine(model, image, targets), grid, some, draws, change)
    return found, truth, delta


def worst_error(found: np.ndarray, truth: np.ndarray, activation: float) -> float:
    """Largest relative error of readings that are above 1e-12 of the activation.

    Dense itself subtracts two activations: what they may have been rounded by (64 units in the
    last place, for a whole network) is not counted.
    """
    seen = truth > 1e-12 * activation
    rounding = 64 * np.finfo(np.float64).eps * activation
    error = np.maximum(np.abs(found - truth)[seen] - rounding, 0)
    return float((error / truth[seen]).max(initial=0.0))
