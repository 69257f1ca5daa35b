"""How far ``--memory`` holds: ``python -m benchmarks.memory_peak [--json FILE]``.

Two networks with random weights, three budgets, a process each. In it the subject is prepared
first: model, preflight, export, theory. What the process grows by from then on, at its peak, is set
beside the budget and what is kept whole, the model's clean maps.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil
import torch
from torch import Tensor, nn

import erf
from erf.engines.delta import DeltaEngine
from erf.geometry import PatchGrid, Target
from erf.graph import Graph
from erf.memory import parse_memory, show_memory

BUDGETS = ("64 MiB", "256 MiB", "1 GiB")
PROBES = {"vgg16": "features.28", "resnet50": "layer3.5"}
SIZE, PATCH, DRAWS = 224, 16, 8


@dataclass(frozen=True)
class Peak:
    """Bytes.

    Attributes:
        network, layer, engine: what was probed, and how.
        budget: that was given.
        before: what the process held when the subject was prepared.
        kept: clean maps of the delta engine.
        growth: of the process at its peak, beyond what it held before.
    """

    network: str
    layer: str
    engine: str
    budget: int
    before: int
    kept: int
    growth: int

    @property
    def share(self) -> float:
        """Growth beyond what is kept, over the budget."""
        return (self.growth - self.kept) / self.budget


def measure_peak(network: str, engine: str, budget: str) -> Peak:
    """Probe in this process, which should be a new one."""
    import torchvision

    torch.set_num_threads(1)
    torch.manual_seed(0)
    model: nn.Module = getattr(torchvision.models, network)(weights=None).eval()
    subject = erf.Subject(model, torch.randn(3, SIZE, SIZE))
    layer = PROBES[network]
    subject.theory(layer)
    subject.origin()
    settings = erf.Noise(patch=PATCH, draws=DRAWS, engine=engine, memory=budget)
    before = psutil.Process().memory_info().rss
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    result = subject.probe(layer, settings)
    growth = _peak() - before
    kept = _clean_maps(subject, result.target)
    return Peak(network, layer, engine, parse_memory(budget), before, kept, growth)


def _clean_maps(subject: erf.Subject, target: Target) -> int:
    """Bytes of the maps that the delta engine keeps of the clean image, each once.

    Those that max pooling reads are kept a second time, with a border.
    """
    graph = subject.graph
    assert isinstance(graph, Graph)
    engine = DeltaEngine(graph, subject.image, [target])
    grid = PatchGrid((SIZE, SIZE), PATCH, PATCH)
    with torch.inference_mode():
        for _ in engine.measure(grid, range(len(grid)), [0], _no_change):
            pass
    maps = [value for node, value in engine.clean.values.items() if node not in graph.constants]
    kept = {
        values.untyped_storage().data_ptr(): values.untyped_storage().nbytes()
        for values in (*maps, *engine.clean.padded.values())
    }
    return sum(kept.values())


def _no_change(patches: np.ndarray, _draws: np.ndarray) -> Tensor:
    return torch.zeros(len(patches), 3, PATCH, PATCH)


def _peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def show(peaks: Sequence[Peak]) -> str:
    """A table in Markdown."""
    lines = [
        "| network, layer | engine | budget | prepared | kept | growth | beyond kept, of budget |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for each in peaks:
        sizes = (each.budget, each.before, each.kept, each.growth)
        cells = " | ".join(map(show_memory, sizes))
        lines.append(
            f"| {each.network} {each.layer} | {each.engine} | {cells} | {each.share:.0%} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure each in a process of its own, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory_peak")
    parser.add_argument("--one", nargs=3, metavar=("NETWORK", "ENGINE", "BUDGET"))
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    if options.one:
        print(json.dumps(asdict(measure_peak(*options.one))))
        return 0
    peaks = []
    for network in PROBES:
        for budget in BUDGETS:
            command = [sys.executable, "-m", "benchmarks.memory_peak", "--one"]
            done = subprocess.run(
                [*command, network, options.engine, budget],
                check=True,
                capture_output=True,
                text=True,
            )
            peaks.append(Peak(**json.loads(done.stdout.splitlines()[-1])))
    print(show(peaks))
    if options.json:
        options.json.write_text(json.dumps([asdict(each) for each in peaks], indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
