"""How long after a click the explorer shows something, and what a hundred clicks leave in memory.

    python -m benchmarks.explorer_speed late fc7 500
    python -m benchmarks.explorer_speed resnet50 layer4 224

The worker's work alone, in this process: what a browser takes to paint comes on top. Seconds of the
processor are given beside those of the clock, which other work on the machine makes longer.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import click
import numpy as np
import psutil
import torch
from matplotlib import cbook

from erf.sources import Choice
from figures.explorer.bench import Bench
from figures.explorer.messages import Ask, Foreseen, Grown, Place, Report, Responded
from figures.explorer.order import ByName
from figures.explorer.question import Manner, Question

KINDS = {Responded: "response", Foreseen: "first look", Grown: "first draw"}


class Clicks:
    """Clicks on random units, one after the other; most are cut short by the next one."""

    def __init__(self, model: str, layer: str, size: int, patch: int) -> None:
        photo = Path(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
        order = ByName(Choice(), (model,), photo, (size, size), Path("unused"), layer)
        self.times: dict[str, list[tuple[float, float]]] = {name: [] for name in KINDS.values()}
        self.units, self._start, self._seen = (1, 1), (0.0, 0.0), set[str]()
        self.bench = Bench(order, self._hear)
        self.layer, self.manner, self.number = layer, Manner(patch=patch, draws=1), 0

    def click(self, unit: tuple[int, int] | None, until: str) -> None:
        """Click a unit, and wait until something is shown."""
        self.number += 1
        self._seen, self._start = set(), (time.perf_counter(), time.process_time())
        question = Question(layer=self.layer, unit=unit, manner=self.manner)
        self.bench.take(Ask(Place(1, 0, self.number), question))
        while until not in self._seen and self.bench.busy:
            self.bench.step()

    def _hear(self, report: Report) -> None:
        name = KINDS.get(type(report))
        if name is None or name in self._seen:
            return
        self._seen.add(name)
        clock, processor = self._start
        passed = time.perf_counter() - clock, time.process_time() - processor
        self.times[name].append(passed)
        if isinstance(report, Responded):
            self.units = report.activation.shape


def random_units(rows: int, cols: int, count: int) -> Iterator[tuple[int, int]]:
    """The same ones every time."""
    random = np.random.default_rng(0)
    for _ in range(count):
        yield int(random.integers(rows)), int(random.integers(cols))


@click.command()
@click.argument("model")
@click.argument("layer")
@click.argument("size", type=int)
@click.option("--clicks", default=100)
@click.option("--patch", default=32)
@click.option("--draw-every", default=5, help="Every so many clicks the first draw is waited for.")
@click.option("--threads", default=2)
def main(
    model: str, layer: str, size: int, clicks: int, patch: int, draw_every: int, threads: int
) -> None:
    """Click a LAYER of MODEL on a photo of SIZE x SIZE pixels."""
    torch.set_num_threads(threads)
    tried = Clicks(model, layer, size, patch)
    tried.click(None, "first draw")  # opens the image
    for found in tried.times.values():
        found.clear()
    memory = []
    for index, unit in enumerate(random_units(*tried.units, clicks)):
        tried.click(unit, "first draw" if index % draw_every == 0 else "first look")
        memory.append(psutil.Process().memory_info().rss / 2**20)
    print(f"{model} {layer}, {size} px, patch {patch}, {threads} threads, {clicks} clicks")
    for name, times in tried.times.items():
        clock, processor = (median(each) for each in zip(*times, strict=True))
        print(f"  {name:<10} {clock:.2f} s by the clock, {processor:.2f} s of the processor")
    tenth = max(1, clicks // 10)
    first, last = median(memory[:tenth]), median(memory[-tenth:])
    print(f"  memory     {first:.0f} MiB after the first clicks, {last:.0f} MiB after the last")


if __name__ == "__main__":
    main()
