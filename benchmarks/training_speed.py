"""What the trainer costs on top of the network: ``python -m benchmarks.training_speed [--json F]``.

The trainer's loop, data included, against a bare loop of PyTorch's over tensors that are in memory
already: the same network, loss and optimizer, both in one process, by turns, and the median of the
turns. Generated scenes, and photos that are read from JPEG files. With ``--clock cpu`` one thread's
processor time is counted, which others on the machine disturb less; what worker processes do is
not in it, and the share of time spent waiting stays one of wall time.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.convolution_rate import CLOCKS, wait
from parsenet.datasets import VOID
from parsenet.training import (
    Experiment,
    Prepared,
    Processes,
    RunSettings,
    named_recipe,
    prepare,
    training_steps,
)
from parsenet.training.memory import keep_freed_memory
from parsenet.training.multipliers import set_rate
from parsenet.training.solver import make_optimizer
from parsenet.training.supply import Supply

WORKERS = (0, 1, 2)


@dataclass(frozen=True)
class Row:
    """One data set: the bare loop's images a second, and by number of workers the trainer's share
    of that speed and the share of wall time that it waits for data."""

    name: str
    bare_images_per_second: float
    speed: dict[int, float]
    waiting: dict[int, float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a Markdown table, write JSON."""
    options = _parse(arguments)
    torch.set_num_threads(options.threads)
    if options.device == "cpu" and not options.give_back:
        keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        experiments = {"scenes": scenes(), "photos": photos(Path(folder))}
        rows = [
            measure(name, experiment, options)
            for name, experiment in experiments.items()
            if not options.only or name in options.only
        ]
    document = vars(options) | {"torch": torch.__version__, "rows": [asdict(row) for row in rows]}
    if options.json:
        Path(options.json).write_text(json.dumps(document, indent=1) + "\n")
    print(table(rows))
    return 0


def scenes() -> Experiment:
    """Return `erf train` without any option."""
    options = {"fusion": "late", "width": 0.125, "batch_norm": True, "dropout": False}
    return Experiment(options=options, recipe=named_recipe("scenes"))


def photos(folder: Path) -> Experiment:
    """Return the released solver on eight photos of CamVid's size, at a quarter of the width."""
    random = np.random.default_rng(0)
    for part in ("train/images", "train/labels"):
        (folder / part).mkdir(parents=True)
    for k in range(8):
        coarse = random.integers(0, 256, (36, 48, 3), dtype=np.uint8)
        photo = Image.fromarray(coarse).resize((480, 360), Image.Resampling.BICUBIC)
        photo.save(folder / f"train/images/{k}.jpg", quality=90)
        label = Image.fromarray(coarse[..., 0] // 24).resize((480, 360), Image.Resampling.NEAREST)
        label.save(folder / f"train/labels/{k}.png")
    (folder / "classes.txt").write_text("".join(f"class {k}\n" for k in range(11)))
    recipe = named_recipe("parsenet-release").override(iter_size=2, mirror=True)
    return Experiment(options={"width": 0.25}, data="folder", root=str(folder), recipe=recipe)


def measure(name: str, experiment: Experiment, options: argparse.Namespace) -> Row:
    """Run both loops by turns."""
    images = experiment.recipe.images * options.iterations
    bare: list[float] = []
    speed: dict[int, list[float]] = {n: [] for n in WORKERS}
    waiting: dict[int, list[float]] = {n: [] for n in WORKERS}
    for turn in range(options.turns):
        bare.append(bare_loop(prepare(experiment), experiment, options))
        for workers in WORKERS:
            taken, waited = our_loop(prepare(experiment), experiment, options, workers)
            speed[workers].append(bare[-1] / taken)
            waiting[workers].append(waited)
        print(f"{name}, turn {turn + 1} of {options.turns}", file=sys.stderr, flush=True)
    return Row(
        name,
        images / median(bare),
        {workers: median(values) for workers, values in speed.items()},
        {workers: median(values) for workers, values in waiting.items()},
    )


def bare_loop(prepared: Prepared, experiment: Experiment, options: argparse.Namespace) -> float:
    """Return the seconds of some iterations over one iteration's images, on the device already."""
    recipe, device = experiment.recipe, torch.device(options.device)
    supply = Supply.of(recipe, prepared.data, prepared.input_space)
    samples = [supply[k] for k in range(recipe.images)]
    size, batches = recipe.batch_size, []
    for start in range(0, recipe.images, size):
        images, labels = map(torch.stack, zip(*samples[start : start + size], strict=True))
        images = prepared.input_space.batch(images.to(device))
        batches.append((images, labels.to(device).long()))
    weights = prepared.class_weights
    weights = None if weights is None else weights.to(device)
    model = prepared.model.to(device).to(memory_format=torch.channels_last).train()
    optimizer = make_optimizer(model, recipe)
    set_rate(optimizer, recipe.base_lr)
    iterate(model, optimizer, batches, weights)
    wait(device)
    start = CLOCKS[options.clock]()
    for _ in range(options.iterations):
        iterate(model, optimizer, batches, weights)
    wait(device)
    return CLOCKS[options.clock]() - start


def iterate(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Sequence[tuple[Tensor, Tensor]],
    weights: Tensor | None,
) -> None:
    """Make one update, as a page of PyTorch's tutorials would."""
    optimizer.zero_grad()
    for images, labels in batches:
        loss = functional.cross_entropy(model(images), labels, weight=weights, ignore_index=VOID)
        (loss / len(batches)).backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def our_loop(
    prepared: Prepared, experiment: Experiment, options: argparse.Namespace, workers: int
) -> tuple[float, float]:
    """Return the seconds of as many iterations of the trainer, and its share of waiting."""
    device = torch.device(options.device)
    steps = training_steps(
        prepared.model,
        prepared.data,
        experiment.recipe.override(max_iter=options.iterations + 1),
        input_space=prepared.input_space,
        class_weights=prepared.class_weights,
        run=RunSettings(workers=workers, processes=Processes(device=device)),
    )
    next(steps)
    wait(device)
    start = CLOCKS[options.clock]()
    rest = list(steps)
    wait(device)
    taken = CLOCKS[options.clock]() - start
    return taken, sum(step.waited for step in rest) / sum(step.seconds for step in rest)


def table(rows: Sequence[Row]) -> str:
    """Return the rows as Markdown."""
    lines = [
        "| data | bare loop, images/s | workers | trainer's share of it | waiting for data |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        lines += [
            f"| {row.name} | {row.bare_images_per_second:.2f} | {workers} | "
            f"{row.speed[workers]:.2f} | {row.waiting[workers]:.1%} |"
            for workers in row.speed
        ]
    return "\n".join(lines)


def _parse(arguments: Sequence[str] | None) -> Any:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training_speed")
    parser.add_argument("--json", metavar="FILE", help="also write the numbers here")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall")
    parser.add_argument("--iterations", type=int, default=6, help="of a turn")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument(
        "--give-back", action="store_true", help="leave memory to malloc, as PyTorch does"
    )
    parser.add_argument("--only", nargs="+", choices=["scenes", "photos"])
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
