"""The measured numbers as Markdown, and put into a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.engine_speed import Measured
from benchmarks.peak_memory import Memory
from benchmarks.speed_rows import DRAWS

START, END = "<!-- speed -->", "<!-- end of speed -->"
GIB = 2**30


def report(document: Mapping[str, Any]) -> str:
    """All tables of one run, and on what it ran."""
    rows = [Measured(**row) for row in document["rows"]]
    clock = "wall clock" if document["clock"] == "wall" else "processor time"
    parts = [
        f"Threads: {document['threads']}, on {document['device']}, {clock}, torch "
        f"{document['torch']}; convolution at {document['convolution_flops'] / 1e9:.0f} GFLOP/s.",
        ratios([row for row in rows if "-250" not in row.name and "-1000" not in row.name]),
        sizes([row for row in rows if row.name in ("fc7-250", "fc7", "fc7-1000")]),
    ]
    if document["memory"] is not None:
        parts.append(memory(Memory(**document["memory"])))
    return "\n\n".join(part for part in parts if part)


def ratios(rows: Sequence[Measured]) -> str:
    """Delta against dense."""
    lines = [
        "| network, target | pixels | dense, s | delta, s | ratio | goal | GMAC | bound "
        "| share of bound | rate | sample |",
        "| --- " * 11 + "|",
    ]
    for r in rows:
        goal = "" if r.goal is None else f"{r.goal:g}"
        lines.append(
            f"| {r.title} | {r.size} | {r.dense_seconds:.0f} | {r.delta_seconds:.1f} "
            f"| {r.ratio:.1f} | {goal} | {r.multiplications / 1e9:.0f} | {r.bound:.1f} "
            f"| {r.share_of_bound:.2f} | {r.rate_share:.2f} | {r.sample:.2f} |"
        )
    return "\n".join(lines)


def sizes(rows: Sequence[Measured]) -> str:
    """Time of one disturbance against the size of the image."""
    if not rows:
        return ""
    lines = [
        "| pixels | patches | heard | dense, ms a disturbance | delta, ms, of a heard patch "
        "| delta, ms, of any patch | whole grid, ratio |",
        "| --- " * 7 + "|",
    ]
    for r in sorted(rows, key=lambda row: row.size):
        each = 1e3 / DRAWS
        lines.append(
            f"| {r.size} | {r.patches} | {r.heard} | {each * r.dense_seconds / r.patches:.0f} "
            f"| {each * r.delta_seconds / r.heard:.2f} "
            f"| {each * r.delta_seconds / r.patches:.2f} | {r.ratio:.0f} |"
        )
    return "\n".join(lines)


def memory(peak: Memory) -> str:
    """Peak memory of a process."""
    lines = ["| engine | peak memory, GiB | dense and the budget, GiB |", "| --- | --- | --- |"]
    limit = (peak.dense + peak.budget) / GIB
    lines.append(f"| dense, one image at a time | {peak.dense / GIB:.2f} | |")
    lines.append(f"| delta, fc7, centre unit | {peak.delta / GIB:.2f} | {limit:.2f} |")
    lines.append(f"| delta, fc7, whole layer | {peak.delta_all / GIB:.2f} | {limit:.2f} |")
    return "\n".join(lines)


def put_into(page: Path, text: str) -> None:
    """Replace what stands between the two marks of a page.

    Raises:
        ValueError: when the page lacks a mark.
    """
    old = page.read_text()
    if old.count(START) != 1 or old.count(END) != 1:
        raise ValueError(f"{page} must have {START!r} and {END!r} once each")
    before, rest = old.split(START)
    page.write_text(f"{before}{START}\n\n{text}\n\n{END}{rest.split(END)[1]}")
