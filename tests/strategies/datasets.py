"""Small data sets in the exact layout of the real ones; labels are returned as they were meant."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.io import savemat

from parsenet.palette import voc_palette

Array = np.ndarray[Any, Any]
SIFT_FOLDER = "spatial_envelope_256x256_static_8outdoorcategories"


def photo(seed: int, rows: int = 6, cols: int = 8) -> Array:
    return np.random.default_rng(seed).integers(0, 256, (rows, cols, 3), dtype=np.uint8)


def labels(seed: int, classes: Sequence[int], rows: int = 6, cols: int = 8) -> Array:
    return np.random.default_rng(100 + seed).choice(np.array(classes, np.uint8), (rows, cols))


def write_image(path: Path, image: Array) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, **({"quality": 95} if path.suffix == ".jpg" else {}))


def write_palette_png(path: Path, label: Array) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(label, "P")
    image.putpalette(voc_palette().tobytes())
    image.save(path)


def write_lines(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def write_voc(
    root: Path, splits: Mapping[str, Sequence[str]], year: int = 2012
) -> dict[str, Array]:
    """VOC's palette PNGs; objects have a border of 255."""
    voc = root / "VOCdevkit" / f"VOC{year}"
    written = {}
    for split, names in splits.items():
        write_lines(voc / f"ImageSets/Segmentation/{split}.txt", names)
        for name in names:
            seed = int(name.rsplit("_", 1)[1])
            label = labels(seed, [0, 7, 20])
            label[2, 1:5] = 255
            write_image(voc / f"JPEGImages/{name}.jpg", photo(seed))
            write_palette_png(voc / f"SegmentationClass/{name}.png", label)
            written[name] = label
    return written


def write_sbd(root: Path, splits: Mapping[str, Sequence[str]], images: Path) -> dict[str, Array]:
    """SBD's 1x1 struct GTcls: 20 cells of Boundaries, Segmentation, CategoriesPresent."""
    written = {}
    for split, names in splits.items():
        write_lines(root / f"{split}.txt", names)
        for name in names:
            seed = int(name.rsplit("_", 1)[1])
            label = labels(seed + 50, [0, 3, 15])
            cells = np.empty((20, 1), object)
            for k in range(20):
                cells[k, 0] = np.zeros(label.shape, np.uint8)
            struct = {"Boundaries": cells, "Segmentation": label, "CategoriesPresent": [[3], [15]]}
            (root / "cls").mkdir(parents=True, exist_ok=True)
            savemat(root / f"cls/{name}.mat", {"GTcls": struct})
            write_image(root / f"img/{name}.jpg", photo(seed))
            write_image(images / f"{name}.jpg", photo(seed))
            written[name] = label
    return written


def write_camvid(
    root: Path,
    splits: Mapping[str, Sequence[str]],
    suffix: str = ".png",
    size: tuple[int, int] = (6, 8),
) -> dict[str, Array]:
    """The SegNet tutorial's grey PNGs, 11 for void."""
    written = {}
    for split, names in splits.items():
        for name in names:
            seed = int(name.rsplit("_", 1)[1])
            label = labels(seed, range(12), *size)
            write_image(root / f"{split}/{name}{suffix}", photo(seed, *size))
            write_image(root / f"{split}annot/{name}.png", label)
            written[name] = label
    return written


def write_sift_flow(root: Path, train: Sequence[str], test: Sequence[str]) -> dict[str, Array]:
    """MATLAB's S, 0 for void, 1 to 33; the test list with the archive's Windows paths."""
    write_lines(root / "TestSet1.txt", [f"{SIFT_FOLDER}\\{name}.jpg" for name in test])
    written = {}
    for name in (*train, *test):
        seed = int("".join(c for c in name if c.isdigit()))
        label = labels(seed, range(34))
        label[0, 0] = 0
        write_image(root / f"Images/{SIFT_FOLDER}/{name}.jpg", photo(seed))
        path = root / f"SemanticLabels/{SIFT_FOLDER}/{name}.mat"
        path.parent.mkdir(parents=True, exist_ok=True)
        savemat(path, {"S": label, "names": np.array([["awning"], ["balcony"]], object)})
        written[name] = label
    return written
