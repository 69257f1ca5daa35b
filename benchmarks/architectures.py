"""Theory and delta on architectures of six libraries: ``python -m benchmarks.architectures``.

Every architecture of `benchmarks.architecture_list`, at full depth with random weights on a small
image: the theory of all its layers; then all units of a few of them, a patch of a quarter of the
image's side, by the engine that ``auto`` takes, held against dense in double precision. Each runs
in a process of its own, with limits of time and memory, so that a crash costs one row.

    python -m benchmarks.architectures --rows FILE.json --table docs/architectures.md

A row that is in the file is not measured again, so a run goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import threading
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.architecture_list import Architecture, architectures
from benchmarks.architecture_table import page

PRELOADED = [
    *("benchmarks.architecture_row", "torchvision", "timm", "transformers"),
    *("segmentation_models_pytorch", "ultralytics.nn.tasks", "monai.networks.nets"),
]
"""Imported once, by the process that the others are forked from."""
PATIENCE = 8
"""Seconds that may pass for each of processor time: the machine may be shared."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is not in the file yet; write the page."""
    options = _parse(arguments)
    rows: dict[str, dict[str, Any]] = {}
    if options.rows.exists():
        rows = json.loads(options.rows.read_text("utf-8"))
    wanted = [
        each
        for each in architectures()
        if (not options.only or any(text in each.label for text in options.only))
        and (each.label not in rows or options.again)
    ]
    if options.failed:
        wanted = [
            each
            for each in architectures()
            if (row := rows.get(each.label)) is not None and not sound(row)
        ]
    if not options.page_only:
        _run(wanted, rows, options)
    if options.table:
        labels = [each.label for each in architectures()]
        blocks = json.loads(options.blocks.read_text("utf-8")) if options.blocks else []
        text = page([rows[label] for label in labels if label in rows], blocks)
        options.table.write_text(text, "utf-8")
    return 0


def sound(row: dict[str, Any]) -> bool:
    """Whether a row needs no second look."""
    return not row["problem"] and row["engine"] == "delta" and (row["error"] or 0) < 1e-3


def _run(
    wanted: Sequence[Architecture], rows: dict[str, dict[str, Any]], options: argparse.Namespace
) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    written = threading.Lock()

    def measure(each: Architecture) -> None:
        row = _apart(context, each.label, options.seconds, options.memory)
        with written:
            rows[each.label] = row
            new = options.rows.with_suffix(".new")
            new.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
            new.replace(options.rows)
            shown = {key: row.get(key) for key in ("engine", "error", "leaks", "silent", "bounds")}
            print(each.label, shown, row["seconds"], row["problem"], flush=True)

    with ThreadPoolExecutor(options.workers) as pool:
        list(pool.map(measure, wanted))


def _apart(
    context: multiprocessing.context.ForkServerContext, label: str, seconds: float, memory: float
) -> dict[str, Any]:
    """One row from a process of its own, or what became of it."""
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(there, label, int(seconds), memory))
    process.start()
    there.close()
    try:
        if here.poll(PATIENCE * seconds):
            row: dict[str, Any] = here.recv()
        else:
            row = _empty(label, f"not done after {PATIENCE * seconds:.0f} s")
    except EOFError:
        process.join()
        ended = process.exitcode or 0
        what = f"signal {-ended}" if ended < 0 else f"code {ended}"
        row = _empty(label, f"the process ended with {what} (limit {seconds:.0f} s)")
    process.kill()
    process.join()
    return row


def _child(connection: Connection, label: str, seconds: int, memory: float) -> None:
    import torch

    from benchmarks.architecture_row import examine

    torch.set_num_threads(1)
    limit = int(memory * 2**30)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    try:
        (each,) = (each for each in architectures() if each.label == label)
        row = examine(each).to_json()
    except Exception as error:  # a crash costs one row
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        row = _empty(label, f"crash: {type(error).__name__} at {place}: {error}"[:400])
        traceback.print_exc()
    connection.send(row)


def _empty(label: str, problem: str) -> dict[str, Any]:
    library, _, name = label.partition(":")
    return {
        **{"library": library, "name": name, "engine": "", "error": None, "seconds": [0, 0, 0]},
        "problem": problem,
    }


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.architectures")
    parser.add_argument("--rows", type=Path, required=True, metavar="FILE.json", help="kept here")
    parser.add_argument("--table", type=Path, metavar="PAGE", help="the page to write")
    parser.add_argument("--blocks", type=Path, metavar="FILE.json", help="for the page")
    parser.add_argument("--page-only", action="store_true", help="measure nothing")
    parser.add_argument("--only", nargs="*", metavar="TEXT", help="labels with one of these texts")
    parser.add_argument("--again", action="store_true", help="also what is in the file")
    parser.add_argument("--failed", action="store_true", help="again what was not sound")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--seconds", type=float, default=150, help="of processor time, limit of a row"
    )
    parser.add_argument("--memory", type=float, default=6, metavar="GiB", help="limit of one row")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
