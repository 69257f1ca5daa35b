"""Is normalisation to blame, or the learning rate? Pairs of the fusion study at several rates.

AdamW's steps have one length whatever the features' norm, so that one rate is another for
normalised features (norm 10) than for raw ones. Two pairs of ``benchmarks.fusion_study``, late
fusion of fc7 and of three layers, with and without L2 normalisation, at each rate:

    python -m benchmarks.fusion_rates --out runs/rates --docs docs/fusion-study.md

Interrupted, the same command goes on. Needs two minutes or more of a core for each training.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.fusion_study import SEVERAL, SINGLE, Variant, folder_of, percent, read_scores, train

START, END = "<!-- rates -->", "<!-- end of rates -->"
RATES = (0.001, 0.003, 0.01)
VARIANTS = tuple(
    Variant("late", normalize, local) for local in (SINGLE, SEVERAL) for normalize in (True, False)
)


def main() -> None:
    """Train what is missing, print the table and write it where it belongs."""
    args = parse()
    runs = [
        (variant, rate, seed)
        for seed in range(args.seeds)
        for variant in VARIANTS
        for rate in args.rates
    ]
    with ThreadPoolExecutor(args.jobs) as pool:
        for done in [pool.submit(train, v, seed, at_rate(args, rate)) for v, rate, seed in runs]:
            done.result()
    found = {
        (variant, rate): [
            read_scores(folder_of(variant, seed, at_rate(args, rate).out))["mean_iou"]
            for seed in range(args.seeds)
        ]
        for variant in VARIANTS
        for rate in args.rates
    }
    text = table(found, args.rates, args.seeds)
    print(text)
    if args.docs is not None:
        before, rest = args.docs.read_text(encoding="utf-8").split(START)
        after = rest.split(END)[1]
        args.docs.write_text(f"{before}{START}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="The rate, with and without normalisation.")
    parser.add_argument("--out", type=Path, required=True, help="folder of the trainings")
    parser.add_argument("--docs", type=Path, help="page to put the table into")
    parser.add_argument("--rates", type=float, nargs="+", default=list(RATES))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--iterations", type=int, default=250)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=1, help="trainings at once, a thread each")
    return parser.parse_args()


def at_rate(args: argparse.Namespace, rate: float) -> argparse.Namespace:
    """What ``fusion_study.train`` is told, in a folder of the rate's own."""
    told = copy.copy(args)
    told.out, told.options = args.out / f"rate-{rate:g}", f"--learning-rate {rate:g}"
    return told


def table(
    found: dict[tuple[Variant, float], list[float]], rates: Sequence[float], seeds: int
) -> str:
    """Mean IoU by rate, a line each variant, and what the best rates of each pair differ by."""
    head = ["local", "L2", *(f"{rate:g}" for rate in rates)]
    lines = [head, ["---"] * len(head)]
    best: dict[tuple[tuple[str, ...], bool], float] = {}
    for variant in dict.fromkeys(variant for variant, _ in found):
        cells = [percent(found[variant, rate]) for rate in rates]
        words = "yes" if variant.normalize else "no"
        lines.append(["+".join(variant.local), words, *cells])
        means = [float(np.mean(found[variant, rate])) for rate in rates]
        best[variant.local, variant.normalize] = max(means)
    gaps = [
        f"{100 * (best[local, False] - best[local, True]):+.1f} for {'+'.join(local)}"
        for local in dict.fromkeys(local for local, _ in best)
    ]
    return (
        "\n".join(f"| {' | '.join(line)} |" for line in lines)
        + f"\n\nMean IoU, per cent, by learning rate; seeds: {seeds}. Each at "
        f"its own best rate, raw is ahead by {' and '.join(gaps)} points."
    )


if __name__ == "__main__":
    main()
