"""Peak memory of one engine in a process of its own: ``python -m benchmarks.peak_memory dense``.

Dense runs one image at a time. Delta runs the batch that it gives the most memory to, with its
budget of 4 GiB. Both for FCN-32s, fc7, at 500x500, in a fresh process each, so that what one
allocated does not count for the other.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.engine_speed import make_network, noise, target_of
from benchmarks.speed_rows import BUDGET, DRAWS, PATCH, ROWS, STRIDE
from erf.engines.delta import DeltaEngine
from erf.engines.delta.memory import largest_batch
from erf.geometry import PatchGrid
from erf.graph import export
from erf.model import observe_maps

ENGINES = ("dense", "delta", "delta-all")
SIZE = 500


@dataclass(frozen=True)
class Memory:
    """Bytes at the peak: of dense with one image at a time, of delta for a unit and a layer."""

    dense: int
    delta: int
    delta_all: int
    budget: int = BUDGET


def measure_memory(device: str, threads: int) -> Memory:
    """Run each engine in a process of its own."""
    peaks = []
    for engine in ENGINES:
        command = [sys.executable, "-m", "benchmarks.peak_memory", engine]
        command += ["--device", device, "--threads", str(threads)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks.append(int(json.loads(done.stdout.splitlines()[-1])))
    return Memory(*peaks)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the peak, in bytes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peak_memory")
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    model, layer = make_network("fcn32s", device)
    image = torch.randn(3, SIZE, SIZE, device=device)
    with torch.inference_mode():
        if options.engine == "dense":
            observe_maps(model, image[None], [layer], None)
        else:
            graph = export(model, (1, 3, SIZE, SIZE))
            name = "fc7" if options.engine == "delta" else "fc7-all"
            (row,) = (row for row in ROWS if row.name == name)
            target = target_of(row, graph, layer)
            _largest(DeltaEngine(graph, image, [target], memory_bytes=BUDGET))
    print(_peak(device))
    return 0


def _largest(engine: DeltaEngine) -> None:
    """Run the batch that takes most memory, as far as the budget's reckoning goes."""
    rows, cols = engine.image.shape[-2:]
    grid = PatchGrid((rows, cols), PATCH, STRIDE)
    sizes = []
    for group in engine.plan(grid).groups:
        fitting = max(1, largest_batch(engine.nodes, group, BUDGET) // DRAWS)
        patches = group.patches[:fitting]
        sizes.append((len(patches) / fitting, patches.tolist()))
    _, patches = max(sizes)
    for _ in engine.measure(grid, patches, np.arange(DRAWS).tolist(), noise(engine.image)):
        pass


def _peak(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    sys.exit(main())
