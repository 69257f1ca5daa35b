"""Tails of a field: ``python -m benchmarks.tails [--size 500] [--layer conv5_3]``.

The central unit of a full-width VGG-16 with random weights, probed by patches along its row: the
discrepancy against the distance of the patch, by dense in double precision (the truth), by dense in
single precision and by delta in single precision.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor

from benchmarks.speed_rows import UpTo
from erf.engines.delta import DeltaEngine
from erf.engines.dense import DenseEngine
from erf.engines.engine import Disturb, Engine
from erf.geometry import PatchGrid, Target
from erf.model import observe_maps

PATCH = 16
DRAWS = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tails")
    parser.add_argument("--size", type=int, default=500, help="side of the image, pixels")
    parser.add_argument("--layer", default="conv5_3")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sigma", type=float, default=0.1, help="of the noise")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    print(tails(options.layer, options.size, options.sigma))
    return 0


def tails(layer: str, size: int, sigma: float) -> str:
    """A Markdown table, one line a patch from the centre outwards."""
    torch.manual_seed(0)
    single = UpTo(layer).eval()
    double = deepcopy(single).double()
    image = torch.randn(3, size, size)
    grid = PatchGrid((size, size), PATCH, PATCH)
    name = f"net.{layer}"
    with torch.inference_mode():
        rows, cols = observe_maps(single, image[None], [name], None)[name].shape[2:]
        target = [Target(name, (rows // 2, cols // 2))]
        middle = grid.shape[0] // 2
        patches = [middle * grid.shape[1] + col for col in range(middle, grid.shape[1])]
        truth = _mean(DenseEngine(double, image.double(), target), grid, patches, sigma)
        dense = _mean(DenseEngine(single, image, target), grid, patches, sigma)
        delta = _mean(DeltaEngine(single, image, target), grid, patches, sigma)
    lines = [
        "| distance, px | float64 dense | float32 dense | float32 delta "
        "| error of dense | error of delta |",
        "| --- " * 6 + "|",
    ]
    for step, (exact, rough, fine) in enumerate(zip(truth, dense, delta, strict=True)):
        errors = [f"{abs(x - exact) / exact:.1e}" if exact else "" for x in (rough, fine)]
        lines.append(
            f"| {step * PATCH} | {exact:.3e} | {rough:.3e} | {fine:.3e} "
            f"| {errors[0]} | {errors[1]} |"
        )
    return "\n".join(lines)


def _mean(engine: Engine, grid: PatchGrid, patches: Sequence[int], sigma: float) -> np.ndarray:
    """Mean over draws of every patch, in the order asked for."""
    sums = dict.fromkeys(patches, 0.0)
    change = _noise(engine.image.dtype, sigma)  # type: ignore[attr-defined]
    for reading in engine.measure(grid, patches, range(DRAWS), change):
        for patch, value in zip(reading.patches, reading.values[0], strict=True):
            sums[int(patch)] += float(value) / DRAWS
    return np.array([sums[patch] for patch in patches])


def _noise(dtype: torch.dtype, sigma: float) -> Disturb:
    def change(patches: np.ndarray, draws: np.ndarray) -> Tensor:
        fields = [
            np.random.default_rng([int(p), int(d)]).standard_normal((3, PATCH, PATCH), np.float32)
            for p, d in zip(patches, draws, strict=True)
        ]
        return torch.from_numpy(sigma * np.stack(fields)).to(dtype)

    return change


if __name__ == "__main__":
    sys.exit(main())
