"""SIFT Flow: 2,688 outdoor photos of 256x256 pixels, 33 classes.

    Images/spatial_envelope_256x256_static_8outdoorcategories/ID.jpg
    SemanticLabels/spatial_envelope_256x256_static_8outdoorcategories/ID.mat
                                              S: 0 void, 1 to 33
    TestSet1.txt (or test.txt)                the 200 test photos

Liu, Yuen, Torralba 2009; Tighe and Lazebnik 2010. Three of the classes (cow, desert, moon) are not
in the test photos, so that its scores average over 30.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Int64

from parsenet.datasets.dataset import VOID, PhotoFiles, SegmentationDataset
from parsenet.datasets.layout import (
    IMAGE_SUFFIXES,
    complete,
    files_by_stem,
    find_folder,
    named_files,
    read_names,
)
from parsenet.datasets.read import read_mat
from parsenet.errors import DatasetError
from parsenet.palette import voc_palette

TITLE = "sift-flow"
SPLITS = ("train", "test")
NAMES = (
    "awning balcony bird boat bridge building bus car cow crosswalk desert door fence field grass "
    "moon mountain person plant pole river road rock sand sea sidewalk sign sky staircase "
    "streetlight sun tree window"
)
CLASSES = tuple(NAMES.split())
UNANNOTATED = frozenset({"highway_bost181", "street_urb506"})
"""Photos without labels, which FCN leaves out too."""

SCENES = "spatial_envelope_256x256_static_8outdoorcategories"
IMAGES, LABELS = f"Images/{SCENES}", f"SemanticLabels/{SCENES}"
LISTS = ("TestSet1.txt", "SemanticLabels/TestSet1.txt", "test.txt")
PLACES = (".", "SiftFlowDataset", "sift-flow")


def open_sift_flow(root: Path, split: str) -> SegmentationDataset:
    """Open a split: the 200 photos of test, or the 2,486 annotated others of train.

    Raises:
        DatasetError: if files are missing.
    """
    listed = _test_list(root)
    folder = find_folder(TITLE, root, PLACES, [IMAGES, LABELS, listed])
    names = read_names(folder / listed)
    if split == "train":
        every = files_by_stem(folder / IMAGES, IMAGE_SUFFIXES).keys()
        names = sorted(every - set(names) - UNANNOTATED)
    images = named_files(folder / IMAGES, IMAGE_SUFFIXES, names)
    labels = named_files(folder / LABELS, [".mat"], names)
    photos = (PhotoFiles(name, images[name], labels[name]) for name in names)
    return SegmentationDataset(
        TITLE, split, CLASSES, voc_palette(), complete(TITLE, photos), read_sift_flow_label
    )


def read_sift_flow_label(path: Path) -> Int64[np.ndarray, "height width"]:
    """Read a label; 1 to 33 become 0 to 32, and 0 void.

    Raises:
        DatasetError: if the file cannot be read, or a label is none of these.
    """
    labels = read_mat(path, "S")
    if labels.min() < 0 or labels.max() > len(CLASSES):
        raise DatasetError(
            f"{path}: labels {labels.min()} to {labels.max()} are outside 0 to {len(CLASSES)}"
        )
    return np.where(labels == 0, VOID, labels - 1)


def _test_list(root: Path) -> str:
    """Name the list of test photos: the data set's own, or FCN's where only that is there."""
    for name in LISTS:
        if any((root / place / name).exists() for place in PLACES):
            return name
    return LISTS[0]
