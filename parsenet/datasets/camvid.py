"""CamVid: frames of drives, 11 classes; as the SegNet tutorial has it, of 480x360 pixels,

    train/ID.png, trainannot/ID.png           367 photos
    val/ID.png, valannot/ID.png               101
    test/ID.png, testannot/ID.png             233

or the original, of 960x720, whose 32 classes are gathered to the same 11 and split alike:

    701_StillsRaw_full/ID.png, LabeledApproved_full/ID_L.png

Photos may be PNG or JPEG. Labels are 0 to 10, and 11 for void, or the original's colours.
Brostow et al. 2008; the gathering is SegNet's (Badrinarayanan et al. 2015).
"""

from pathlib import Path

import numpy as np
from jaxtyping import Integer

from parsenet.datasets.dataset import VOID, PhotoFiles, SegmentationDataset
from parsenet.datasets.layout import (
    IMAGE_SUFFIXES,
    complete,
    files_by_stem,
    find_folder,
    named_files,
)
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
ORIGINAL = ("701_StillsRaw_full", "LabeledApproved_full")

GATHERED = {
    "building": ((192, 0, 128), (0, 128, 64), (64, 0, 64), (64, 192, 0)),
    "pole": ((0, 0, 64),),
    "road": ((128, 0, 192), (192, 0, 64)),
    "pavement": ((64, 192, 128), (128, 128, 192)),
    "tree": ((192, 192, 0),),
    "sign": ((128, 128, 64), (0, 64, 64)),
    "car": ((64, 128, 192), (192, 128, 192), (192, 64, 128), (128, 64, 64)),
    "pedestrian": ((192, 128, 64), (64, 0, 192), (64, 128, 64)),
    "bicyclist": ((192, 0, 192),),
}
"""The original's other colours: archway, bridge, tunnel, wall are buildings; the traffic cone a
pole; lane markings road; parking block and road shoulder pavement; other vegetation tree; text and
traffic light sign; SUV, truck, train and other vehicles car; child, pram and animal pedestrian;
motorcycle bicyclist.
"""

LABELS = {
    **{color: label for label, color in enumerate(COLORS.values())},
    **{color: CLASSES.index(name) for name, colors in GATHERED.items() for color in colors},
    (0, 0, 0): VOID,
}


def open_camvid(root: Path, split: str) -> SegmentationDataset:
    """Open a split: 367 photos of train, 101 of val, 233 of test.

    Raises:
        DatasetError: if files are missing.
    """
    if any((root / place / ORIGINAL[0]).is_dir() for place in PLACES):
        return _open_original(find_folder(TITLE, root, PLACES, ORIGINAL), split)
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
    """Read a label, its void 11 as 255, colours as the classes they are of."""
    label = read_indices(path, colors=LABELS)
    label[label == len(CLASSES)] = VOID
    return label


def split_of(name: str) -> str:
    """Return the split that SegNet's tutorial puts a frame in, by its name.

    One clip of the drive 0016E5, the frames of odd number, is val; the second half of 0001TP and
    all of Seq05VD are test.

    Example:
        >>> split_of("0016E5_07961"), split_of("0001TP_008520"), split_of("Seq05VD_f00000")
        ('val', 'train', 'test')
    """
    drive, _, number = name.partition("_")
    digits = "".join(filter(str.isdigit, number))
    frame = int(digits) if digits else 0
    if drive == "0016E5" and frame % 2:
        return "val"
    return "test" if drive == "Seq05VD" or (drive == "0001TP" and frame > 8520) else "train"


def _open_original(folder: Path, split: str) -> SegmentationDataset:
    images = files_by_stem(folder / ORIGINAL[0], IMAGE_SUFFIXES)
    names = [name for name in images if split_of(name) == split]
    labels = named_files(folder / ORIGINAL[1], [".png"], [f"{name}_L" for name in names])
    photos = (PhotoFiles(name, images[name], labels[f"{name}_L"]) for name in names)
    palette = extended(list(COLORS.values()))
    return SegmentationDataset(
        TITLE, split, CLASSES, palette, complete(TITLE, photos), read_camvid_label
    )
