"""What global context is worth: every way of fusing it, trained alike on scenes.

No context, early and late fusion; with and without L2 normalisation; of fc7 alone and of fc7,
conv5_3 and conv4_3 together; several seeds each, one budget for all. In a scene an object's class
hangs on a cue elsewhere, so that the score of objects far from theirs says how far a network hears.

    python -m benchmarks.fusion_study --out runs/fusion --figure docs/fusion-study.png

Each training is an ``erf train`` of one thread. Interrupted, the same command goes on: with the
trainings that are missing, and within one that had begun. ``--options`` asks the same of other
networks: ``"--no-batch-norm --learning-rate 0.001"`` those whose features differ in scale.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.progress import track

import erf
from figures.style import inches, styled
from parsenet.checkpoint import load_checkpoint

SINGLE, SEVERAL = ("fc7",), ("fc7", "conv5_3", "conv4_3")
LOCAL = {SINGLE: "single", SEVERAL: "several"}
FUSIONS = ("none", "early", "late")
# Where the summary's "near" ends and its "far" begins, pixels: bounds of the scored bands.
NEAR, FAR = 150.0, 250.0

Scores = Mapping[str, Any]
"""The scores that ``erf train`` keeps in a checkpoint."""


@dataclass(frozen=True)
class Variant:
    """One way of fusing; ``none`` has no global context."""

    fusion: str
    normalize: bool
    local: tuple[str, ...]

    @property
    def name(self) -> str:
        """What its trainings' folders are called."""
        return "-".join([self.fusion, "l2" if self.normalize else "raw", *self.local])

    def options(self) -> list[str]:
        """Return what ``erf train`` is told of it."""
        several = len(self.local) > 1
        # Without context several layers' scores are added up as late fusion does.
        fusion = "late" if several and self.fusion == "none" else self.fusion
        context = ["--context", "none"] if several and self.fusion == "none" else []
        normalize = "--normalize" if self.normalize else "--no-normalize"
        return ["--fusion", fusion, *context, normalize, "--local", ",".join(self.local)]


VARIANTS = tuple(
    Variant(fusion, normalize, local)
    for local, normalize, fusion in product((SINGLE, SEVERAL), (True, False), FUSIONS)
)


def main() -> None:
    """Train what is missing, then print the table and draw the figure."""
    args = parse()
    variants = [each for each in VARIANTS if args.only in (None, LOCAL[each.local])]
    runs = [(variant, seed) for seed in range(args.seeds) for variant in variants]
    with ThreadPoolExecutor(args.jobs) as pool:
        trainings = [pool.submit(train, variant, seed, args) for variant, seed in runs]
        for training in track(trainings, "training"):
            training.result()
    scores = {
        variant: [read_scores(folder_of(variant, seed, args.out)) for seed in range(args.seeds)]
        for variant in variants
    }
    print(table(scores))
    if args.figure:
        network = load_checkpoint(checkpoints(folder_of(*runs[0], args.out))[0]).model
        field = erf.theoretical_field(network, "fc7", image_size=(384, 384))
        draw(scores, max(field.size) / 2).savefig(args.figure, dpi=160)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What global context is worth.")
    parser.add_argument("--out", type=Path, required=True, help="folder of the trainings")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=400)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--only", choices=LOCAL.values(), help="fc7 alone, or with the others")
    parser.add_argument("--options", default="", help="more options of every erf train")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at once, a thread each")
    parser.add_argument("--figure", type=Path, help="where the figure goes")
    return parser.parse_args()


def train(variant: Variant, seed: int, args: argparse.Namespace) -> None:
    """Train one variant with one seed, or go on with it; nothing if it is done."""
    folder = folder_of(variant, seed, args.out)
    if checkpoints(folder):
        return
    command = [sys.executable, "-m", "cli", "train"]
    if (folder / "config.toml").exists():
        command += ["--resume", str(folder)]
    else:
        command += [*variant.options(), "--seed", str(seed), "--iterations", str(args.iterations)]
        command += ["--batch-size", str(args.batch_size), *shlex.split(args.options)]
        command += ["--out", str(folder)]
    ran = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    if ran.returncode:
        raise SystemExit(f"{' '.join(command)}: {ran.stderr.strip()}")


def folder_of(variant: Variant, seed: int, out: Path) -> Path:
    """Return where a training lies."""
    return out / f"{variant.name}-seed{seed}"


def checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoint that a finished training has left, none before."""
    return sorted(folder.glob("parsenet-*.safetensors"))


def read_scores(folder: Path) -> Scores:
    """Return the scores on unseen scenes."""
    scores: Scores = load_checkpoint(checkpoints(folder)[0]).training["scores"]
    return scores


def iou_between(scores: Scores, low: float, high: float) -> float:
    """Mean IoU of objects whose cue is ``low`` to ``high`` pixels away, by number of objects."""
    bands = [band for band in scores["by_cue_distance"] if low <= band["from"] < high]
    weights = [band["objects"] for band in bands]
    return float(np.average([band["mean_iou"] for band in bands], weights=weights))


def table(scores: Mapping[Variant, Sequence[Scores]]) -> str:
    """Mean and standard deviation over seeds, a line each variant, as Markdown."""
    lines = [
        f"| local | L2 | context | mean IoU | objects, cue < {NEAR:.0f} px | cue >= {FAR:.0f} px |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for variant, runs in scores.items():
        columns = (
            [run["mean_iou"] for run in runs],
            [iou_between(run, 0, NEAR) for run in runs],
            [iou_between(run, FAR, np.inf) for run in runs],
        )
        cells = [percent(values) for values in columns]
        words = ["+".join(variant.local), "yes" if variant.normalize else "no", variant.fusion]
        lines.append("| " + " | ".join(words + cells) + " |")
    return "\n".join(lines)


def percent(values: Sequence[float]) -> str:
    """Mean and, of several, standard deviation, per cent."""
    if len(values) == 1:
        return f"{100 * values[0]:.1f}"
    return f"{100 * np.mean(values):.1f} ± {100 * np.std(values, ddof=1):.1f}"


@styled
def draw(scores: Mapping[Variant, Sequence[Scores]], reach: float) -> Figure:
    """IoU over the distance of the cue, a panel for each choice of local features and norm.

    ``reach``, half the theoretical field of fc7, is how far a network without context can hear.
    """
    figure = Figure(figsize=(inches("page"), 2.3), layout="constrained")
    choices = list(dict.fromkeys((variant.local, variant.normalize) for variant in scores))
    panels = figure.subplots(1, len(choices), sharey=True)
    for axes, (local, normalize) in zip(panels, choices, strict=True):
        chosen = {
            variant.fusion: runs
            for variant, runs in scores.items()
            if (variant.local, variant.normalize) == (local, normalize)
        }
        axes.axvline(reach, color="0.5", linestyle="--", linewidth=0.8, label="reach of fc7")
        draw_panel(axes, chosen)
        axes.set_title(f"{'+'.join(local)}\n{'L2 normalised' if normalize else 'not normalised'}")
    panels[0].set_ylabel("mean IoU of objects")
    panels[0].legend(title="global context", loc="lower left")
    return figure


def draw_panel(axes: Axes, scores: Mapping[str, Sequence[Scores]]) -> None:
    """One line a fusion, the seeds' range around it."""
    for fusion, runs in scores.items():
        starts = [band["from"] for band in runs[0]["by_cue_distance"]]
        values = np.array([[band["mean_iou"] for band in run["by_cue_distance"]] for run in runs])
        (line,) = axes.plot(starts, values.mean(axis=0), "o-", label=fusion)
        axes.fill_between(
            starts,
            values.min(axis=0),
            values.max(axis=0),
            color=line.get_color(),
            alpha=0.2,
            linewidth=0,
        )
    axes.set_xlabel("cue at least so far, pixels")
    axes.set_xticks(range(0, 301, 100))
    axes.set_ylim(0, 1)
    axes.grid(axis="y")


if __name__ == "__main__":
    main()
