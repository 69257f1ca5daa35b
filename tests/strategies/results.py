"""Results with a known truth, made without a model."""

from __future__ import annotations

import functools
import math

import matplotlib.cbook
import numpy as np
from PIL import Image

from erf.engines.report import EngineReport
from erf.geometry import Box, PatchGrid, Target
from erf.results import LayerResult, UnitResult
from erf.settings import Noise
from erf.theoretical import TheoreticalField, UnitTheory


@functools.cache
def photo(size: tuple[int, int] = (240, 208)) -> np.ndarray:
    """A real photo of ``size`` (rows, cols), uint8."""
    with Image.open(matplotlib.cbook.get_sample_data("grace_hopper.jpg")) as image:
        return np.asarray(image.convert("RGB").resize(size[::-1], Image.Resampling.LANCZOS))


def bump(grid: PatchGrid, center: tuple[float, float], sigma: tuple[float, float]) -> np.ndarray:
    """A Gaussian of patch centres around ``center``, peak 1, spread ``sigma``, pixels."""
    rows, cols = grid.centers
    across = np.exp(-((rows - center[0]) ** 2) / (2 * sigma[0] ** 2))
    return np.outer(across, np.exp(-((cols - center[1]) ** 2) / (2 * sigma[1] ** 2)))


def gaussian_side(sigma: tuple[float, float], share: float = 0.9545) -> float:
    """Of a square as large as the ellipse that holds a share of a Gaussian."""
    return math.sqrt(-2 * math.pi * math.log(1 - share) * sigma[0] * sigma[1])


def gaussian_result(
    *,
    size: tuple[int, int] = (240, 208),
    units: tuple[int, int] = (15, 13),
    unit: tuple[int, int] = (7, 6),
    sigma: tuple[float, float] = (34.0, 26.0),
    tail: float = 0.004,
    theory: int | None = 188,
    patch: int = 16,
    stride: int = 8,
    draws: int = 4,
    layer: str = "fc7",
    channel: int | None = None,
    name: str = "ParseNet",
    image_name: str = "grace_hopper.jpg",
    with_picture: bool = True,
    seed: int = 0,
) -> UnitResult:
    """A unit whose field is a Gaussian over its own centre, plus a flat ``tail`` as of context."""
    rng = np.random.default_rng(seed)
    grid = PatchGrid(size, patch, stride)
    step = (size[0] / units[0], size[1] / units[1])
    center = ((unit[0] + 0.5) * step[0] - 0.5, (unit[1] + 0.5) * step[1] - 0.5)
    mean = 3.0 * (bump(grid, center, sigma) + tail)
    samples = mean * rng.gamma(20.0, 1 / 20.0, (draws, *grid.shape))
    extent = None
    if theory is not None:
        top, left = round(center[0] - theory / 2), round(center[1] - theory / 2)
        unclipped = Box(top, left, top + theory, left + theory)
        extent = UnitTheory(unclipped.clip(size), (theory, theory), unclipped, "exact")
    picture = photo(size)
    return UnitResult(
        discrepancy=samples.mean(0),
        standard_error=samples.std(0, ddof=1) / np.sqrt(draws),
        samples=samples,
        target=Target(layer, unit, channel),
        settings=Noise(patch=patch, stride=stride, draws=draws, seed=seed),
        draws=draws,
        joint=False,
        engine=EngineReport("delta", exact=True),
        activation=_activation(units, rng),
        image=np.moveaxis(picture / np.float32(255), -1, 0).astype(np.float32),
        picture=picture if with_picture else None,
        theory=extent,
        origin=_origin(name, image_name),
    )


def influence_result(
    *,
    size: tuple[int, int] = (240, 208),
    units: tuple[int, int] = (15, 13),
    sigma: tuple[float, float] = (34.0, 26.0),
    patch: int = 16,
    stride: int = 8,
    name: str = "ParseNet",
    image_name: str = "grace_hopper.jpg",
    theory: TheoreticalField | None = None,
    seed: int = 0,
) -> LayerResult:
    """A whole layer: each unit hears a Gaussian around its own centre, scaled at random."""
    rng = np.random.default_rng(seed)
    grid = PatchGrid(size, patch, stride)
    influence = np.zeros((*grid.shape, *units))
    for row, col in np.ndindex(units):
        center = ((row + 0.5) * size[0] / units[0], (col + 0.5) * size[1] / units[1])
        noise = rng.gamma(50.0, 1 / 50.0, grid.shape)
        influence[..., row, col] = rng.uniform(0.5, 2) * noise * bump(grid, center, sigma)
    picture = photo(size)
    return LayerResult(
        discrepancy=influence,
        standard_error=influence / 10,
        target=Target("fc7"),
        settings=Noise(patch=patch, stride=stride, draws=4, seed=seed),
        draws=4,
        joint=False,
        engine=EngineReport("delta", exact=True),
        theory=theory,
        activation=_activation(units, rng),
        image=np.moveaxis(picture / np.float32(255), -1, 0).astype(np.float32),
        picture=picture,
        origin=_origin(name, image_name),
    )


def _activation(units: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    rows, cols = np.indices(units)
    wave = 2 + np.sin(rows / 3) * np.cos(cols / 2)
    return (wave + 0.3 * rng.standard_normal(units)).clip(0).astype(np.float32)


def _origin(name: str, image_name: str) -> dict[str, object]:
    return {
        "model": {"name": name, "weights_sha256": "0" * 64},
        "image": {"name": image_name, "sha256": "1" * 64},
    }
