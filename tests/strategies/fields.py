"""Fields with a known truth: a map on a patch grid, and probes of it with random draws."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from erf.engines.report import EngineReport
from erf.geometry import Box, PatchGrid, Target
from erf.measures import Cells, Field
from erf.results import UnitResult
from erf.settings import Noise
from erf.theoretical import UnitTheory


def truth(
    grid: PatchGrid, center: tuple[float, float], sigma: float, texture: float = 0.0
) -> np.ndarray:
    """A Gaussian of patch centres that ends at four sigma, with a fixed log-normal texture."""
    rows, cols = grid.centers
    distance = np.hypot(rows[:, None] - center[0], 1.2 * (cols - center[1]))
    field = np.where(distance < 4 * sigma, np.exp(-(distance**2) / (2 * sigma**2)), 0.0)
    return field * np.random.default_rng(1).lognormal(0, texture, field.shape)


def draw(mean: np.ndarray, draws: int, seed: int, freedom: int = 10) -> np.ndarray:
    """Discrepancies of ``draws`` noise patches: the length of a Gaussian vector of ``freedom``
    dimensions, scaled to this mean; independent between patches."""
    rng = np.random.default_rng(seed)
    length = np.sqrt(rng.chisquare(freedom, (draws, *mean.shape)))
    return mean * length / (np.sqrt(2) * np.exp(gammaln((freedom + 1) / 2) - gammaln(freedom / 2)))


def as_field(grid: PatchGrid, samples: np.ndarray, center: tuple[float, float]) -> Field:
    """A field of these draws."""
    return Field(
        values=samples.mean(axis=0),
        cells=Cells.of(grid),
        image_size=grid.image_size,
        center=center,
        samples=samples,
        patch=grid.patch,
        stride=grid.stride,
        label="fc7@7,7",
    )


def as_result(
    grid: PatchGrid,
    samples: np.ndarray,
    *,
    theory: Box | None = None,
    image: str = "a",
    engine: str = "delta",
    units: tuple[int, int] = (16, 16),
    unit: tuple[int, int] = (7, 7),
) -> UnitResult:
    """A probe's result with these draws."""
    spread = samples.std(axis=0, ddof=1) if len(samples) > 1 else np.full(grid.shape, np.nan)
    extent = None
    if theory is not None:
        extent = UnitTheory(theory.clip(grid.image_size), theory.size, theory, "exact")
    return UnitResult(
        discrepancy=samples.mean(axis=0),
        standard_error=spread / np.sqrt(len(samples)),
        samples=samples,
        target=Target("fc7", unit),
        settings=Noise(patch=grid.patch, stride=grid.stride, draws=len(samples)),
        draws=len(samples),
        joint=False,
        engine=EngineReport(engine, exact=engine != "dense"),
        activation=np.ones(units, np.float32),
        image=np.zeros((3, *grid.image_size), np.float32),
        theory=extent,
        origin={"image": {"sha256": image}},
    )
