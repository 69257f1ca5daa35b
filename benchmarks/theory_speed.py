"""How long the theory of all layers takes, beside torchlens, in one run on one machine.

torchlens (an optional extra: ``pip install erf-probe[bench]``) traces a forward pass and tabulates
the fields of all modules; we export the model and derive the fields of all units of all modules.
Both get the same model with random weights, on the CPU. Sizes that both call exact must agree.

    python -m benchmarks.theory_speed [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import nn

from erf.graph import export
from erf.theoretical.analyse import analyse

MODELS = ("vgg16", "resnet18", "resnet50", "resnet152", "densenet121", "convnext_tiny", "swin_t")
SIZE = (224, 224)


def timed(job: Callable[[], Any]) -> tuple[Any, float]:
    """Result and seconds."""
    start = time.perf_counter()
    result = job()
    return result, time.perf_counter() - start


def ours(model: nn.Module) -> tuple[dict[str, float], dict[str, tuple[str, tuple[int, ...]]]]:
    """Seconds, and status and size by layer."""
    graph, exporting = timed(lambda: export(model, (1, 3, *SIZE)))
    layers = [path for path in graph.layers if path]
    fields, deriving = timed(lambda: analyse(graph, layers))
    again = min(timed(lambda: analyse(graph, layers))[1] for _ in range(3))
    seconds = {"export": exporting, "theory": deriving, "theory_warm": again}
    return seconds, {field.layer: (field.status, field.size) for field in fields}


def torchlens(model: nn.Module) -> tuple[dict[str, float], dict[str, tuple[str, tuple[int, ...]]]]:
    """The same of torchlens."""
    import torchlens as tl

    trace, tracing = timed(lambda: tl.trace(model, torch.zeros(1, 3, *SIZE)))
    profile, tabulating = timed(lambda: trace.receptive_fields(level="module"))
    rows = profile.frame.itertuples()
    found = {row.name: (row.status.name.lower(), tuple(row.size or ())) for row in rows}
    return {"trace": tracing, "table": tabulating}, found


def compare(name: str) -> dict[str, Any]:
    """One model, both tools."""
    torch.manual_seed(0)
    model = torchvision.models.get_model(name, weights=None).eval()
    my_seconds, mine = ours(model)
    with torch.no_grad():
        their_seconds, theirs = torchlens(model)
    both = [
        layer
        for layer in mine.keys() & theirs.keys()
        if mine[layer][0] == theirs[layer][0] == "exact" and theirs[layer][1]
    ]
    differ = [layer for layer in both if mine[layer][1] != theirs[layer][1]]
    return {
        "model": name,
        "layers": len(mine),
        "seconds": my_seconds,
        "torchlens_seconds": their_seconds,
        "status": Counter(status for status, _ in mine.values()),
        "torchlens_status": Counter(status for status, _ in theirs.values()),
        "sizes_compared": len(both),
        "sizes_that_differ": sorted(differ),
    }


def render(results: list[dict[str, Any]]) -> str:
    """A Markdown table."""
    lines = [
        "| model | layers | export s | all layers s | torchlens trace s | its table s "
        "| our statuses | its statuses | equal sizes |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for result in results:
        mine, theirs = result["seconds"], result["torchlens_seconds"]
        counts = (
            ", ".join(f"{count} {status}" for status, count in sorted(result[key].items()))
            for key in ("status", "torchlens_status")
        )
        equal = result["sizes_compared"] - len(result["sizes_that_differ"])
        cells = (
            result["model"],
            result["layers"],
            f"{mine['export']:.2f}",
            f"{mine['theory_warm']:.3f}",
            f"{theirs['trace']:.2f}",
            f"{theirs['table']:.2f}",
            *counts,
            f"{equal} of {result['sizes_compared']}",
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    ours(nn.Sequential(nn.Conv2d(3, 1, 3)))  # imports and first calls of both are not the models'
    torchlens(nn.Sequential(nn.Conv2d(3, 1, 3)))
    results = [compare(name) for name in arguments.models]
    machine = f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    print(f"Image {SIZE[0]}x{SIZE[1]}, {machine}\n\n{render(results)}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine, "results": results}, indent=1))


if __name__ == "__main__":
    main()
