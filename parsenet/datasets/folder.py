"""Anybody's own photos and labels in plain folders.

    classes.txt                               one name a line, in the order of the labels
    SPLIT/images/ID.jpg, SPLIT/labels/ID.png  one pair of folders a split, or
    images/ID.jpg, labels/ID.png, SPLIT.txt   one pair for all and a list of names for each split

    colors.txt                                where labels are colours: RED GREEN BLUE, one class a
                                              line as in classes.txt; one line more is void's

Photos may be JPEG or PNG; labels are PNGs of indices (with a palette or grey), 255 void, or of
colours.
"""

from functools import partial
from pathlib import Path

from parsenet.datasets.dataset import VOID, PhotoFiles, SegmentationDataset
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
from parsenet.palette import Color, extended, voc_palette

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
            labels.get(name, folder / "labels" / f"{name}.png"),
        )
        for name in names
    )
    colors = _read_colors(root / "colors.txt", len(classes))
    palette = voc_palette() if colors is None else extended([*colors][: len(classes)])
    read = read_indices if colors is None else partial(read_indices, colors=colors)
    return SegmentationDataset(TITLE, split, classes, palette, complete(TITLE, photos), read)


def _read_colors(path: Path, classes: int) -> dict[Color, int] | None:
    """Read the colour of each class and, where there is one line more, of void; None: no file."""
    if not path.exists():
        return None
    colors: dict[Color, int] = {}
    lines = read_lines(path)
    for line in lines:
        parts = line.replace(",", " ").split()[:3]
        levels = [int(part) for part in parts if part.isdecimal() and int(part) < 256]
        if len(levels) != 3:
            raise DatasetError(f"{path}: {line!r} is no colour: RED GREEN BLUE, each 0 to 255")
        red, green, blue = levels
        colors[red, green, blue] = len(colors) if len(colors) < classes else VOID
    if len(colors) != len(lines) or len(colors) not in (classes, classes + 1):
        raise DatasetError(
            f"{path}: must hold {classes} different colours, or one more for void; has "
            f"{len(colors)} in {len(lines)} lines"
        )
    return colors


def _read_classes(path: Path) -> tuple[str, ...]:
    classes = tuple(read_lines(path))
    if not 1 <= len(classes) <= 255 or len(set(classes)) < len(classes):
        raise DatasetError(
            f"{path}: must hold 1 to 255 different names, has {len(set(classes))} "
            f"in {len(classes)} lines"
        )
    return classes
