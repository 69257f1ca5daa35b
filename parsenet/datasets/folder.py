"""Anybody's own photos and labels in plain folders.

    classes.txt                               one name a line, in the order of the labels
    SPLIT/images/ID.jpg, SPLIT/labels/ID.png  one pair of folders a split, or
    images/ID.jpg, labels/ID.png, SPLIT.txt   one pair for all and a list of names for each split

Photos may be JPEG or PNG; labels are PNGs of indices (with a palette or grey), 255 void.
"""

from pathlib import Path

from parsenet.datasets.dataset import PhotoFiles, SegmentationDataset
from parsenet.datasets.layout import (
    IMAGE_SUFFIXES,
    bare_name,
    complete,
    files_by_stem,
    find_folder,
    read_lines,
)
from parsenet.datasets.read import read_indices
from parsenet.errors import DatasetError
from parsenet.palette import voc_palette

TITLE = "folder"


def open_folder(root: Path, split: str) -> SegmentationDataset:
    """Open a split.

    Raises:
        DatasetError: if files are missing, or classes.txt is not 1 to 255 different names.
    """
    find_folder(TITLE, root, ["."], ["classes.txt"])
    classes = _read_classes(root / "classes.txt")
    shared = (root / "images").is_dir()
    parts = ["images", "labels", *([f"{split}.txt"] if shared else [])]
    folder = find_folder(TITLE, root, ["." if shared else split], parts)
    images = files_by_stem(folder / "images", IMAGE_SUFFIXES)
    labels = files_by_stem(folder / "labels", [".png"])
    if shared:
        names = [bare_name(line) for line in read_lines(root / f"{split}.txt")]
    else:
        names = sorted(images.keys() | labels.keys())
    photos = (
        PhotoFiles(
            name,
            images.get(name, folder / "images" / f"{name}.jpg"),
            folder / "labels" / f"{name}.png",
        )
        for name in names
    )
    return SegmentationDataset(
        TITLE, split, classes, voc_palette(), complete(TITLE, photos), read_indices
    )


def _read_classes(path: Path) -> tuple[str, ...]:
    classes = tuple(read_lines(path))
    if not 1 <= len(classes) <= 255 or len(set(classes)) < len(classes):
        raise DatasetError(
            f"{path}: must hold 1 to 255 different names, has {len(set(classes))} "
            f"in {len(classes)} lines"
        )
    return classes
