"""Theoretical fields of every classification and segmentation model of torchvision.

Quantised models aside. Weights are not needed, so models are built on PyTorch's meta device.

    python -m benchmarks.theory_torchvision --out docs/theory-torchvision.md
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torchvision
from torch import nn

from erf.errors import ErfError
from erf.theoretical import TheoreticalField, TheoryTable, theory

SIZES = {"inception_v3": (299, 299), "vit_h_14": (224, 224)}
SIZE = (224, 224)
COLUMNS = 11
HEAD = """# Theoretical receptive fields of torchvision's models

Written by `python -m benchmarks.theory_torchvision --out docs/theory-torchvision.md`: every
classification and segmentation model of `torchvision.models.list_models()` but the quantised ones.
Fields are of all units and not clipped at the border; sizes in pixels, (rows x columns) where they
differ.

- *exact*, *whole image*, *bound*: how many layers have that status. A whole image is exact too: a
  global operator (named last) makes every unit read everything.
- *last local layer*: the last map whose units do not read the whole image by a global operator,
  with size and stride of its field. A stride of - means that units are not all alike, as in
  windowed attention and after interpolation.
- *s*: seconds for export and theory together.

"""


@dataclass(frozen=True)
class Entry:
    """One line of the table."""

    name: str
    image_size: tuple[int, int]
    table: TheoryTable | None
    seconds: float
    problem: str = ""


def names() -> list[str]:
    """Models that put out class scores for an image or for its pixels."""
    found = [
        *torchvision.models.list_models(module=torchvision.models),
        *torchvision.models.list_models(module=torchvision.models.segmentation),
    ]
    return sorted(name for name in found if not name.startswith("quantized_"))


def build(name: str) -> nn.Module:
    """A model without weights."""
    options: dict[str, object] = {"weights": None}
    if name.startswith(("deeplab", "fcn_", "lraspp")):
        options["weights_backbone"] = None
    # RegNets read their widths from a tensor, which needs a device with memory.
    with torch.device("cpu" if name.startswith("regnet") else "meta"):
        return torchvision.models.get_model(name, **options).eval().to("meta")


def examine(name: str) -> Entry:
    """Theory of all layers of one model."""
    size = SIZES.get(name, SIZE)
    model = build(name)
    start = time.perf_counter()
    try:
        table = theory(model, image_size=size)
    except ErfError as error:
        return Entry(name, size, None, time.perf_counter() - start, str(error))
    return Entry(name, size, table, time.perf_counter() - start)


def render(rows: Iterable[Sequence[str]]) -> str:
    """The page."""
    lines = [
        "| model | image | layers | exact | whole image | bound | last local layer | size | stride "
        "| global operators | s |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [f"| {' | '.join(cells)} |" for cells in rows]
    return HEAD + "\n".join(lines) + "\n"


def examined(rows: Path) -> list[list[str]]:
    """Lines of an earlier run that was stopped."""
    text = rows.read_text("utf-8") if rows.exists() else ""
    return [line.split("\t") for line in text.splitlines() if line.count("\t") == COLUMNS - 1]


def _cells(entry: Entry) -> tuple[object, ...]:
    image, seconds = _pair(entry.image_size), f"{entry.seconds:.1f}"
    if entry.table is None:
        return entry.name, image, *("",) * 7, entry.problem, seconds
    counts = Counter(row.status for row in entry.table)
    local = _last_local(entry.table)
    operators = {name for row in entry.table if row.status == "whole_image" for name in row.reasons}
    return (
        entry.name,
        image,
        len(entry.table),
        *(counts[status] for status in ("exact", "whole_image", "upper_bound")),
        local.layer if local else "",
        _pair(local.size) if local else "",
        _pair(local.stride) if local else "",
        ", ".join(sorted(operator.removeprefix("aten.") for operator in operators)),
        seconds,
    )


def _last_local(table: TheoryTable) -> TheoreticalField | None:
    local = [row for row in table if row.status == "exact" and row.units != (1, 1)]
    return local[-1] if local else None


def _pair(pair: tuple[int | None, int | None]) -> str:
    rows, cols = ("-" if value is None else str(value) for value in pair)
    return rows if rows == cols else f"{rows} x {cols}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="All if none is named.")
    parser.add_argument("--out", type=Path, help="The page.")
    parser.add_argument("--rows", type=Path, help="Kept line by line; a stopped run goes on.")
    arguments = parser.parse_args()
    rows = examined(arguments.rows) if arguments.rows else []
    done = {cells[0] for cells in rows}
    for name in arguments.models or names():
        if name in done:
            continue
        rows.append([str(cell) for cell in _cells(examine(name))])
        print(*rows[-1], sep="\t", flush=True)
        if arguments.rows:
            with arguments.rows.open("a", encoding="utf-8") as file:
                print(*rows[-1], sep="\t", file=file)
    if arguments.out:
        arguments.out.write_text(render(sorted(rows)), encoding="utf-8")


if __name__ == "__main__":
    main()
