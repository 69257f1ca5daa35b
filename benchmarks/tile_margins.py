"""How much overlap a trained network's tiles need, on photos: the numbers of docs/tiles.md.

    pip install scikit-image
    python -m benchmarks.tile_margins --docs docs
    python -m benchmarks.tile_margins --photos FOLDER

Five photos that come with scikit-image and Matplotlib, or those of a folder. Each photo in turn is
left out, a margin chosen on the others, and the one left out run in tiles with that margin.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from matplotlib import cbook
from torch import Tensor

import erf
import figures
from erf.photo import find_photos
from erf.tiles import describe_margins, describe_photos, describe_tiling

SIZE, TILE = (1536, 1536), 640
PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
START, END = "<!-- margins -->", "<!-- end of margins -->"


def main() -> None:
    """Measure, leave out, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, help="folder  [default: five that are installed]")
    parser.add_argument("--docs", type=Path, help="write the page's part and its figure")
    options = parser.parse_args()
    loaded = erf.load_model("none")
    paths = find_photos([options.photos]) if options.photos else installed_photos()
    photos = [erf.read_photo(path, SIZE) for path in paths]
    images = [loaded.image(photo) for photo in photos]
    plan = erf.tiling(loaded.model, image_size=SIZE, tile=TILE)
    curves = erf.margin_curves(loaded.model, images, plan)
    enough = erf.enough_margin(loaded.model, images, curves)
    printed = [line for line in describe_tiling(plan, loaded.name) if not line.startswith("    ")]
    printed = [line for line in printed if line and not line.endswith("whole")]
    printed += describe_photos(photos, SIZE) + describe_margins(curves, enough)
    text = "\n".join(["```text", *printed, "```", "", *left_out(loaded, paths, images, curves)])
    print(text)
    if options.docs is not None:
        page, picture = options.docs / "tiles.md", options.docs / "tiles.png"
        picture.unlink(missing_ok=True)
        figures.save(figures.margin_figure(curves, enough), picture, dpi=150)
        before, _, rest = page.read_text(encoding="utf-8").partition(START)
        page.write_text(f"{before}{START}\n\n{text}\n\n{END}{rest.partition(END)[2]}")


def installed_photos() -> list[Path]:
    """Matplotlib's photo, and four of scikit-image's."""
    found = find_spec("skimage")
    assert found is not None
    assert found.submodule_search_locations
    folder = Path(found.submodule_search_locations[0]) / "data"
    own = Path(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    return [own, *(folder / name for name in PHOTOS)]


def left_out(
    loaded: erf.LoadedModel,
    paths: Sequence[Path],
    images: Sequence[Tensor],
    curves: erf.MarginCurves,
) -> list[str]:
    """A table: what is left of a photo with the margin that is enough for all others."""
    lines = ["| left out | margin of the others, px | left of it |", "| --- | --- | --- |"]
    beyond = 0
    for number, path in enumerate(paths):
        rest = [place for place in range(len(paths)) if place != number]
        worst, typical = curves.worst[rest], curves.typical[rest]
        others = replace(curves, worst=worst, typical=typical)
        chosen = erf.enough_margin(loaded.model, [images[place] for place in rest], others)
        assert chosen.margin is not None
        left = left_with(loaded, images[number], curves.plan.with_margin(chosen.margin))
        beyond += left >= chosen.tolerance
        lines.append(f"| {path.stem} | {chosen.margin:g} | {100 * left:.2g} % |")
    found = f"{beyond} of {len(paths)} photos left out"
    expected = f"at most 1 of {len(paths)} is to be expected"
    return [*lines, "", f"Above the tolerance of {chosen.tolerance:.0%}: {found}; {expected}."]


def left_with(loaded: erf.LoadedModel, image: Tensor, plan: erf.Tiling) -> float:
    """The largest change of a unit in the tiles of a plan, over the layer's spread."""
    whole = erf.Subject(loaded.model, image).observe([plan.layer])[plan.layer]
    found = erf.tiled(loaded.model, image, plan)
    spread = (whole - whole.mean(dim=(1, 2), keepdim=True)).norm(dim=0).square().mean().sqrt()
    return float((found - whole).norm(dim=0).max() / spread)


if __name__ == "__main__":
    main()
