"""Make ``docs/gallery.md`` and its pictures: run the very commands that stand under them.

    python benchmarks/gallery.py [--work FOLDER] [--only NAME]

Results stay in the working folder (by default a new one), so that a second run only draws.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"

FUSIONS = ("none", "early", "late")
DEPTHS = ("conv2_2", "conv3_3", "conv4_3", "conv5_3", "fc7")

# Scene 7 of the held-out ones: an object of each shape, day and night.
SCENE = """
from PIL import Image
from parsenet.scenes import HELD_OUT, SceneSpec, Scenes
from parsenet.palette import write_labels
from pathlib import Path
image, label = Scenes(SceneSpec())[HELD_OUT + 7]
Image.fromarray(image).save("scene.png")
write_labels(label, Path("scene-truth.png"))
"""

PHOTO = """
import shutil
from matplotlib import cbook
shutil.copy(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False), "photo.jpg")
"""

SCREENSHOT = """
import shutil
from pathlib import Path
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    flags = ["--headless", "--no-sandbox", "--disable-gpu"]
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
    page = browser.new_page(viewport={"width": 1280, "height": 960})
    page.goto(Path("report.html").resolve().as_uri())
    page.wait_for_selector("body[data-ready=yes]")
    page.wait_for_timeout(1000)
    page.screenshot(path="report.png")
    browser.close()
"""


@dataclass(frozen=True)
class Entry:
    """A picture of the gallery.

    Attributes:
        name: of its file, without ``.png``.
        title: above it.
        text: below it.
        prepare: commands that make what it shows, run once.
        draw: the command that draws it.
        setup: Python that makes an input beforehand, or a picture afterwards.
        finish: Python that runs after ``draw``.
    """

    name: str
    title: str
    text: str
    prepare: tuple[str, ...]
    draw: str
    setup: str = ""
    finish: str = ""


def probe(model: str, layer: str, out: str, more: str) -> str:
    """A probe of the photo that comes with Matplotlib."""
    return f"erf probe {model} --layer {layer} {more} --out {out}"


ENTRIES = (
    Entry(
        "field",
        "What one unit hears",
        "The paper's four panels for the centre unit of conv5_3. White lines enclose shares of the "
        "field's mass; blue is the theoretical field.",
        (probe("late", "conv5_3", "field", "--image-size 384 --stride 8 --draws 4"),),
        "erf figure field field/result.zarr --dpi 160 --out field.png",
    ),
    Entry(
        "field-column",
        "The same in one column of a paper",
        "Two rows of panels, and contours at shares of the peak instead.",
        (),
        "erf figure field field/result.zarr --width column --contour peak:0.1 --contour peak:0.5 "
        "--dpi 200 --out field-column.png",
    ),
    Entry(
        "compare",
        "Variants side by side",
        "The class scores of the centre without the global context of ParseNet and with both ways "
        "of fusing it: one colour scale, differences, profiles around the unit, sizes with "
        "intervals.",
        tuple(probe(name, "score", f"compare-{name}", "--draws 4") for name in FUSIONS),
        f"erf figure compare {' '.join(f'compare-{name}/result.zarr' for name in FUSIONS)} "
        "--dpi 160 --out compare.png",
    ),
    Entry(
        "depth",
        "Over the depth of a network",
        "The theoretical field outgrows the image; the empirical one lags behind.",
        tuple(
            probe("late", layer, f"depth-{layer}", "--image-size 256 --patch 8 --draws 2")
            for layer in DEPTHS
        ),
        f"erf figure depth {' '.join(f'depth-{layer}/result.zarr' for layer in DEPTHS)} "
        "--out depth.png",
    ),
    Entry(
        "scales",
        "Why ParseNet normalises",
        "L2 norms of the features that the network fuses, at 200 positions of the photo, before "
        "and after normalisation; numbers are medians. A network of sixty iterations.",
        (
            "erf train --local fc7,conv5_3,conv4_3 --iterations 60 --batch-size 4 --size 256 "
            "--out several",
        ),
        "erf figure scales several/parsenet-late.safetensors --out scales.png",
    ),
    Entry(
        "training",
        "Training",
        "Loss of every iteration and its running mean, and the scores on unseen scenes, of two "
        "short trainings.",
        tuple(
            f"erf train --fusion {fusion} --iterations 150 --batch-size 4 --score-every 25 "
            f"--probe-every 25 --out training/{fusion}"
            for fusion in ("none", "late")
        ),
        "erf figure training training/none training/late --out training.png",
    ),
    Entry(
        "growth",
        "The field during training",
        "The centre unit of fc7, probed on a photo every 25 iterations of the trainings above: its "
        "field narrows at first, with context and without.",
        (),
        "erf figure growth training/none training/late --out growth.png",
    ),
    Entry(
        "segmentation",
        "What the checkpoints call each pixel",
        "A scene in which the class of a shape hangs on the sun or the moon elsewhere.",
        (),
        "erf figure segmentation scene.png none late --truth scene-truth.png "
        "--dpi 160 --out segmentation.png",
        setup=SCENE,
    ),
    Entry(
        "report",
        "A page to explore",
        "One file without network: click a unit, point at a patch, slide the threshold.",
        (
            probe("late", "conv5_3", "layer", "--unit all --image-size 256 --draws 2"),
            probe("none", "conv5_3", "layer-none", "--unit all --image-size 256 --draws 2"),
        ),
        "erf report layer/result.zarr layer-none/result.zarr field/result.zarr --out report.html",
        finish=SCREENSHOT,
    ),
    Entry(
        "tiles",
        "How much overlap tiles need",
        "How far tiles are from the whole image, of one photo enlarged to 768x768, by the margin "
        "that is dropped: theory's is enough, a tolerance may need less.",
        (),
        "erf tiles none --image-size 768 --tile 640 --image photo.jpg --figure tiles.png",
        setup=PHOTO,
    ),
)


def make(entry: Entry, work: Path) -> None:
    """Run an entry's commands in the working folder and take its picture over."""
    for command in entry.prepare:
        place = work / shlex.split(command)[-1]
        if not (place / ".done").exists():
            shutil.rmtree(place, ignore_errors=True)
            run(command, work)
            (place / ".done").touch()
    if entry.setup:
        subprocess.run([sys.executable, "-c", entry.setup], cwd=work, check=True)
    (work / shlex.split(entry.draw)[-1]).unlink(missing_ok=True)
    run(entry.draw, work)
    if entry.finish:
        subprocess.run([sys.executable, "-c", entry.finish], cwd=work, check=True)
    (DOCS / "gallery").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(work / f"{entry.name}.png", DOCS / "gallery" / f"{entry.name}.png")


def run(command: str, work: Path) -> None:
    """Run one ``erf`` command."""
    print(f"$ {command}", flush=True)
    words = shlex.split(command)
    assert words[0] == "erf"
    subprocess.run([sys.executable, "-m", "cli", *words[1:]], cwd=work, check=True)


def page(entries: Sequence[Entry]) -> str:
    """The gallery in Markdown."""
    parts = [
        "# Gallery",
        "",
        "Every picture comes from a real run of the commands under it; "
        "`python benchmarks/gallery.py` makes them all again.",
    ]
    for entry in entries:
        commands = "\n".join((*entry.prepare, entry.draw))
        parts += [
            "",
            f"## {entry.title}",
            "",
            f"![{entry.title}](gallery/{entry.name}.png)",
            "",
            entry.text,
            "",
            f"```console\n{commands}\n```",
        ]
    return "\n".join(parts) + "\n"


def main() -> None:
    """Make the pictures and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, help="folder for results  [default: a new one]")
    parser.add_argument("--only", choices=[entry.name for entry in ENTRIES])
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="gallery-"))
    work.mkdir(parents=True, exist_ok=True)
    for entry in ENTRIES:
        if options.only in (None, entry.name):
            make(entry, work)
    (DOCS / "gallery.md").write_text(page(ENTRIES), encoding="utf-8")


if __name__ == "__main__":
    main()
