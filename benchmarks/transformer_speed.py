"""Delta against dense on transformers at full size: ``python -m benchmarks.transformer_speed``.

One unit in the middle of a block, patches of 16 pixels spread evenly over the whole grid, a few
draws; both engines in one process, one after the other, on the same threads and the same
disturbances. Time is that of the processor, so that other work on the machine counts little.

    python -m benchmarks.transformer_speed --json FILE
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import timm
import torch

import erf
from benchmarks.architecture_row import stirred
from erf.engines.delta import DeltaEngine
from erf.engines.dense import DenseEngine
from erf.engines.engine import Engine
from erf.geometry import PatchGrid, Target
from erf.graph import Graph
from erf.probing.passes import disturbance_of

ROWS = (
    ("vit_tiny_patch16_224", 224, "blocks.11"),
    ("deit_tiny_distilled_patch16_224", 224, "blocks.5"),
    ("deit3_small_patch16_224", 224, "blocks.11"),
    ("beit_base_patch16_224", 224, "blocks.5"),
    ("vit_small_patch14_reg4_dinov2", 224, "blocks.11"),
    ("eva02_tiny_patch14_224", 224, "blocks.11"),
    ("swin_tiny_patch4_window7_224", 224, "layers.0.blocks.1"),
    ("swin_tiny_patch4_window7_224", 224, "layers.1.blocks.1"),
    ("swin_tiny_patch4_window7_224", 224, "layers.2.blocks.5"),
    ("mobilevit_s", 256, "stages.2"),
    ("efficientvit_b0", 224, "stages.2"),
)
PATCHES, DRAWS = 16, 2


@dataclass(frozen=True)
class Speed:
    """One row.

    Attributes:
        model, side, layer: what was asked.
        prepared: seconds for the export, the plan and the clean pass.
        dense, delta: seconds a disturbance.
        difference: largest of the discrepancies, over the peak.
    """

    model: str
    side: int
    layer: str
    prepared: float
    dense: float
    delta: float
    difference: float


def measure(model: str, side: int, layer: str) -> Speed:
    """Both engines on the same disturbances."""
    options = {"img_size": side} if "dinov2" in model else {}
    torch.manual_seed(0)
    network = stirred(timm.create_model(model, **options).eval())
    image = torch.randn(3, side, side)
    start = time.process_time()
    subject = erf.Subject(network, image)
    graph = subject.graph
    assert isinstance(graph, Graph)
    rows, cols = subject.observe([layer])[layer].shape[1:]
    targets, grid = [Target(layer, (rows // 2, cols // 2))], PatchGrid((side, side), 16, 16)
    some = np.linspace(0, len(grid) - 1, PATCHES).round().astype(int).tolist()
    with torch.no_grad():
        delta, dense = (
            DeltaEngine(graph, image, targets),
            DenseEngine(network, image, targets, graph=graph),
        )
        _run(delta, subject, grid, some[:1])
        prepared = time.process_time() - start
        _run(dense, subject, grid, some[:1])
        expected, slow = _run(dense, subject, grid, some)
        found, fast = _run(delta, subject, grid, some)
    error = float(np.abs(found - expected).max() / expected.max())
    return Speed(model, side, layer, prepared, slow, fast, error)


def _run(
    engine: Engine, subject: erf.Subject, grid: PatchGrid, patches: Sequence[int]
) -> tuple[np.ndarray, float]:
    """Discrepancies (patches, draws), and seconds a disturbance."""
    disturb = disturbance_of(erf.Noise(patch=16, draws=DRAWS), subject.image, grid)
    start, found = time.process_time(), {}
    for reading in engine.measure(grid, patches, range(DRAWS), disturb):
        keys = zip(reading.patches.tolist(), reading.draws.tolist(), strict=True)
        found.update(zip(keys, reading.values[0].tolist(), strict=True))
    spent = (time.process_time() - start) / (len(patches) * DRAWS)
    return np.array([[found[patch, draw] for draw in range(DRAWS)] for patch in patches]), spent


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all rows; print each, write JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transformer_speed")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    warnings.simplefilter("ignore")
    rows = json.loads(options.json.read_text("utf-8")) if options.json.exists() else []
    done = {(row["model"], row["layer"]) for row in rows}
    for row in ROWS:
        if (row[0], row[2]) in done:
            continue
        rows.append(asdict(measure(*row)) | {"threads": options.threads})
        print(rows[-1], flush=True)
        options.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
