"""Delta against batched dense: ``python -m benchmarks.probe_speed [--json FILE]``.

Full-width networks with random weights, the whole patch grid, patch 16, stride 16, 8 draws. Both
engines run in one process, one after the other, on the same threads. Dense time is a sample of its
forward passes, which are all alike, at its best batch size, times their number. Delta runs in full
where that takes less than a minute, else on a sample of its batches, scaled by their share of the
necessary multiplications.

``--table FILE.json`` prints the tables of an earlier run; with ``--into docs/delta.md`` they
replace what stands between the marks of that page.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks.convolution_rate import CLOCKS, convolution_rate
from benchmarks.engine_speed import measure_row
from benchmarks.peak_memory import measure_memory
from benchmarks.speed_rows import ROWS
from benchmarks.speed_table import put_into, report


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, or read what was measured; print Markdown tables, write JSON."""
    options = _parse(arguments)
    document = _measure(options) if options.table is None else _read(options.table)
    if options.json:
        Path(options.json).write_text(json.dumps(document, indent=1) + "\n")
    text = report(document)
    if options.into:
        put_into(Path(options.into), text)
    print(text)
    return 0


def _read(file: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(file).read_text())
    return document


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    rate = convolution_rate(device, options.clock)
    print(f"{options.threads} threads, convolution at {rate / 1e9:.0f} GFLOP/s", file=sys.stderr)
    memory = None if options.only else measure_memory(options.device, options.threads)
    rows = []
    for row in ROWS:
        if not options.only or row.name in options.only:
            rows.append(measure_row(row, rate, device, share=options.share, clock=options.clock))
            print(json.dumps(asdict(rows[-1])), file=sys.stderr, flush=True)
    return {
        "threads": options.threads,
        "clock": options.clock,
        "device": str(device),
        "torch": torch.__version__,
        "convolution_flops": rate,
        "memory": None if memory is None else asdict(memory),
        "rows": [asdict(row) for row in rows],
    }


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.probe_speed")
    parser.add_argument("--json", metavar="FILE", help="also write the numbers here")
    parser.add_argument("--table", metavar="FILE", help="measure nothing, read this JSON instead")
    parser.add_argument("--into", metavar="PAGE", help="put the tables between the page's marks")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--clock", choices=list(CLOCKS), default="wall", help="cpu: one thread on a busy machine"
    )
    parser.add_argument(
        "--only", nargs="*", choices=[row.name for row in ROWS], help="these rows, no memory"
    )
    parser.add_argument(
        "--share",
        type=float,
        default=None,
        help="share of delta's work to run (default: a row's own)",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
