"""Delta against batched dense: ``python -m benchmarks.probe_speed [--json FILE]``.

Full-width networks with random weights, the whole patch grid, patch 16, stride 16, 8 draws. Both
engines run in one process, one after the other, on the same threads. Dense time is a sample of its
forward passes, which are all alike, at its best batch size, times their number. Delta runs in full
where that takes less than a few minutes, else on a random sample of its batches, scaled by their
share of the necessary multiplications.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks.convolution_rate import CLOCKS, convolution_rate
from benchmarks.speed_rows import ROWS, Measured, SpeedRow, measure_row


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a Markdown table, write JSON."""
    options = _parse(arguments)
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    rate = convolution_rate(device, options.clock)
    print(f"{options.threads} threads, convolution at {rate / 1e9:.0f} GFLOP/s", file=sys.stderr)
    chosen = [row for row in ROWS if not options.only or row.name in options.only]
    results = []
    for row in chosen:
        results.append(measure_row(row, rate, device, share=options.share, clock=options.clock))
        print(json.dumps(asdict(results[-1])), file=sys.stderr, flush=True)
    print(table(results))
    if options.json:
        document = {
            "threads": options.threads,
            "clock": options.clock,
            "device": str(device),
            "torch": torch.__version__,
            "convolution_flops": rate,
            "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "rows": [asdict(result) for result in results],
        }
        Path(options.json).write_text(json.dumps(document, indent=1) + "\n")
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.probe_speed")
    parser.add_argument("--json", metavar="FILE", help="also write the numbers here")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--clock", choices=list(CLOCKS), default="wall", help="cpu: one thread on a busy machine"
    )
    parser.add_argument("--only", nargs="*", choices=[row.name for row in ROWS])
    parser.add_argument(
        "--share",
        type=float,
        default=None,
        help="share of delta's batches to run (default: a row's own)",
    )
    return parser.parse_args(arguments)


def table(results: Sequence[Measured]) -> str:
    """Markdown."""
    lines = [
        "| network, target | pixels | dense, s | delta, s | ratio | goal | GMAC | bound "
        "| share of bound | rate | sample |",
        "| --- " * 11 + "|",
    ]
    for r in results:
        goal = "" if r.goal is None else f"{r.goal:g}"
        lines.append(
            f"| {r.title} | {r.size} | {r.dense_seconds:.0f} | {r.delta_seconds:.1f} "
            f"| {r.ratio:.1f} | {goal} | {r.multiplications / 1e9:.0f} | {r.bound:.1f} "
            f"| {r.share_of_bound:.2f} | {r.rate_share:.2f} | {r.sample:.2f} |"
        )
    return "\n".join(lines)


__all__ = ["SpeedRow", "main", "table"]

if __name__ == "__main__":
    sys.exit(main())
