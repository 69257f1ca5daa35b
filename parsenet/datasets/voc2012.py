"""PASCAL VOC 2012 segmentation, and its training set enlarged by SBD's annotations.

    VOCdevkit/VOC2012/
        JPEGImages/ID.jpg
        SegmentationClass/ID.png              20 objects, 0 background, 255 their borders
        ImageSets/Segmentation/{train,val,trainval}.txt
        SegmentationClassAug/ID.png           trainaug, where somebody has converted it (all of it,
                                              or trainaug.txt, train_aug.txt); otherwise
    SBD/ (or benchmark_RELEASE/dataset/, VOCaug/dataset/)
        cls/ID.mat                            GTcls.Segmentation
        train.txt, val.txt

Suffixes may be of either case; labels indices, or colours of VOC's palette.

Everingham et al. 2010; Hariharan et al. 2011 (Semantic Boundaries Dataset).
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import Integer

from parsenet.datasets.dataset import PhotoFiles, SegmentationDataset
from parsenet.datasets.layout import (
    IMAGE_SUFFIXES,
    complete,
    files_by_stem,
    find_folder,
    named_files,
    read_names,
)
from parsenet.datasets.read import read_indices, read_mat
from parsenet.errors import DatasetError
from parsenet.palette import label_colors, voc_palette

TITLE = "voc2012"
SPLITS = ("train", "val", "trainval", "trainaug")
NAMES = (
    "background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse "
    "motorbike person pottedplant sheep sofa train tvmonitor"
)
CLASSES = tuple(NAMES.split())
PLACES = ("VOCdevkit/VOC2012", "VOC2012", ".")
SBD_PLACES = (
    "SBD",
    "sbd",
    "benchmark_RELEASE/dataset",
    "SBD/benchmark_RELEASE/dataset",
    "VOCdevkit/VOCaug/dataset",
    "VOCaug/dataset",
    "../VOCaug/dataset",
    ".",
)
AUGMENTED_LISTS = (
    "ImageSets/Segmentation/trainaug.txt",
    "ImageSets/Segmentation/train_aug.txt",
    "list/train_aug.txt",
)
COLORS = label_colors(voc_palette(), len(CLASSES))
LISTS = Path("ImageSets/Segmentation")


def open_voc2012(root: Path, split: str) -> SegmentationDataset:
    """Open a split: 1,464 photos of train, 1,449 of val, 2,913 of both, 10,582 of trainaug.

    trainaug is what VOC's train and the whole of SBD name, less VOC's val. Its labels come from
    ``SegmentationClassAug`` where that folder is, otherwise VOC's own where there are some (they
    mark borders as void) and SBD's for the rest.

    Raises:
        DatasetError: if files are missing.
    """
    lists = ("train", "val") if split == "trainaug" else (split,)
    parts = ["JPEGImages", "SegmentationClass", *(str(LISTS / f"{name}.txt") for name in lists)]
    voc = find_folder(TITLE, root, PLACES, parts)
    if split == "trainaug":
        labels = _augmented(root, voc)
    else:
        names = read_names(voc / LISTS / f"{split}.txt")
        labels = named_files(voc / "SegmentationClass", [".png"], names)
    images = named_files(voc / "JPEGImages", IMAGE_SUFFIXES, labels)
    photos = (PhotoFiles(name, images[name], label) for name, label in labels.items())
    return SegmentationDataset(
        TITLE, split, CLASSES, voc_palette(), complete(TITLE, photos), read_voc_label
    )


def read_voc_label(path: Path) -> Integer[np.ndarray, "height width"]:
    """Read a label of VOC (a PNG of indices, or of its palette's colours) or of SBD (a .mat)."""
    if path.suffix == ".mat":
        return read_mat(path, "GTcls", "Segmentation")
    return read_indices(path, colors=COLORS)


def _augmented(root: Path, voc: Path) -> dict[str, Path]:
    """Return the label files of trainaug by name, sorted."""
    val = read_names(voc / LISTS / "val.txt")
    converted = voc / "SegmentationClassAug"
    if not converted.is_dir():
        return _union(root, voc, val)
    listed = next((voc / each for each in AUGMENTED_LISTS if (voc / each).exists()), None)
    if listed is None:
        files = files_by_stem(converted, [".png"])
        return {name: path for name, path in files.items() if name not in set(val)}
    names = sorted(read_names(listed))
    _refuse_overlap(listed, names, val)
    return named_files(converted, [".png"], names)


def _union(root: Path, voc: Path, val: Iterable[str]) -> dict[str, Path]:
    try:
        sbd = find_folder("SBD", root, SBD_PLACES, ["cls", "train.txt", "val.txt"])
    except DatasetError as error:
        raise DatasetError(
            f"{TITLE}: trainaug needs {voc / 'SegmentationClassAug'}, which is missing, or "
            f"{error}; the split train needs neither"
        ) from error
    both = read_names(sbd / "train.txt") + read_names(sbd / "val.txt")
    labels = {name: sbd / "cls" / f"{name}.mat" for name in both}
    train = read_names(voc / LISTS / "train.txt")
    labels |= named_files(voc / "SegmentationClass", [".png"], train)
    return {name: labels[name] for name in sorted(labels.keys() - set(val))}


def _refuse_overlap(path: Path, names: Iterable[str], val: Iterable[str]) -> None:
    if both := sorted(set(names) & set(val)):
        raise DatasetError(f"{path}: holds {len(both)} photos of val, first {both[0]}")
