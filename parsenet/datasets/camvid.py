"""CamVid in the version of the SegNet tutorial: frames of drives, 480x360 pixels, 11 classes.

    train/ID.png, trainannot/ID.png           367 photos
    val/ID.png, valannot/ID.png               101
    test/ID.png, testannot/ID.png             233

Photos may be PNG or JPEG. Labels are 0 to 10, and 11 for void. Brostow et al. 2008.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Integer

from parsenet.datasets.dataset import VOID, PhotoFiles, SegmentationDataset
from parsenet.datasets.layout import IMAGE_SUFFIXES, complete, files_by_stem, find_folder
from parsenet.datasets.read import read_indices
from parsenet.palette import extended

TITLE = "camvid"
SPLITS = ("train", "val", "test")
COLORS = {
    "sky": (128, 128, 128),
    "building": (128, 0, 0),
    "pole": (192, 192, 128),
    "road": (128, 64, 128),
    "pavement": (0, 0, 192),
    "tree": (128, 128, 0),
    "sign": (192, 128, 128),
    "fence": (64, 64, 128),
    "car": (64, 0, 128),
    "pedestrian": (64, 64, 0),
    "bicyclist": (0, 128, 192),
}
"""The classes in the order of their labels, in CamVid's own colours."""

CLASSES = tuple(COLORS)
PLACES = (".", "CamVid", "camvid")


def open_camvid(root: Path, split: str) -> SegmentationDataset:
    """Open a split: 367 photos of train, 101 of val, 233 of test.

    Raises:
        DatasetError: if files are missing.
    """
    folder = find_folder(TITLE, root, PLACES, [split, f"{split}annot"])
    images = files_by_stem(folder / split, IMAGE_SUFFIXES)
    labels = files_by_stem(folder / f"{split}annot", [".png"])
    photos = (
        PhotoFiles(
            name,
            images.get(name, folder / split / f"{name}.png"),
            labels.get(name, folder / f"{split}annot" / f"{name}.png"),
        )
        for name in sorted(images.keys() | labels.keys())
    )
    palette = extended(list(COLORS.values()))
    return SegmentationDataset(
        TITLE, split, CLASSES, palette, complete(TITLE, photos), read_camvid_label
    )


def read_camvid_label(path: Path) -> Integer[np.ndarray, "height width"]:
    """Read a label, its void 11 as 255."""
    label = read_indices(path)
    label[label == len(CLASSES)] = VOID
    return label
