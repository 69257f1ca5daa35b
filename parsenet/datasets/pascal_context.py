"""PASCAL-Context: every pixel of VOC 2010's photos, 59 frequent classes of 459.

    VOCdevkit/VOC2010/JPEGImages/ID.jpg
    VOCdevkit/VOC2010/ImageSets/Main/{train,val,trainval}.txt
    trainval/ID.mat                           LabelMap: 1 to 459 of labels.txt
    labels.txt, 59_labels.txt                 lines "index: name"

or as mmsegmentation converts it, the classes in alphabetical order:

    VOC2010/SegmentationClassContext/ID.png   0 background, 1 to 59
    VOC2010/ImageSets/SegmentationContext/{train,val}.txt

Mottaghi et al. 2014. FCN and ParseNet count what is none of the 59 as a class of its own,
background, which is trained and scored; others leave it out.
"""

from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from parsenet.datasets.dataset import VOID, PhotoFiles, SegmentationDataset
from parsenet.datasets.layout import (
    IMAGE_SUFFIXES,
    complete,
    find_folder,
    named_files,
    read_lines,
    read_names,
)
from parsenet.datasets.read import read_indices, read_mat
from parsenet.errors import DatasetError
from parsenet.palette import voc_palette

TITLE = "pascal-context"
SPLITS = ("train", "val", "trainval")
NAMES = (
    "aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike "
    "person pottedplant sheep sofa train tvmonitor bag bed bench book building cabinet ceiling "
    "clothes computer cup door fence floor flower food grass ground keyboard light mountain mouse "
    "curtain platform sign plate road rock shelves sidewalk sky snow bedcloth track tree truck "
    "wall water window wood"
)
CLASSES = tuple(NAMES.split())
"""In the data set's own order, that of 59_labels.txt."""

SPELLINGS = {"diningtable": "table", "bedcloth": "bedclothes", "clothes": "cloth"}
"""What labels.txt calls three of them."""

VOC_PLACES = ("VOCdevkit/VOC2010", "VOC2010", ".")
PLACES = (".", "pascal-context", "VOCdevkit/VOC2010", "VOC2010")


def open_pascal_context(root: Path, split: str, *, background: bool = True) -> SegmentationDataset:
    """Open a split: 4,998 photos of train, 5,105 of val.

    Args:
        root: folder that holds both VOC 2010 and the labels.
        split: train, val or trainval.
        background: count 60 classes, the first of them all that is none of the 59; otherwise 59,
            and the rest is void.

    Raises:
        DatasetError: if files are missing, or labels.txt does not name the classes.
    """
    voc, names = _listed(root, split)
    first, rest = (1, 0) if background else (0, VOID)
    converted = _converted(root)
    if converted is None:
        context = find_folder(TITLE, root, PLACES, ["trainval", "labels.txt"])
        labels = named_files(context / "trainval", [".mat"], names)
        read = partial(read_context_label, table=_table(context, first=first, rest=rest))
    else:
        labels = named_files(converted, [".png"], names)
        read = partial(read_converted_label, table=_alphabetical(first=first, rest=rest))
    images = named_files(voc / "JPEGImages", IMAGE_SUFFIXES, names)
    photos = (PhotoFiles(name, images[name], labels[name]) for name in names)
    return SegmentationDataset(
        TITLE,
        split,
        ("background", *CLASSES) if background else CLASSES,
        voc_palette(),
        complete(TITLE, photos),
        read,
    )


def read_context_label(
    path: Path, *, table: UInt8[np.ndarray, "460"]
) -> UInt8[np.ndarray, "height width"]:
    """Read a label and translate it by ``table``, whose entry k is what k becomes."""
    labels = read_mat(path, "LabelMap")
    if labels.min() < 0 or labels.max() >= len(table):
        raise DatasetError(
            f"{path}: labels {labels.min()} to {labels.max()} are outside 0 to {len(table) - 1}"
        )
    return table[labels.astype(np.intp)]


def read_converted_label(
    path: Path, *, table: UInt8[np.ndarray, "256"]
) -> UInt8[np.ndarray, "height width"]:
    """Read a label of mmsegmentation's and translate it by ``table``.

    Raises:
        DatasetError: if a label is neither one of its 60 nor void.
    """
    labels = read_indices(path)
    wrong = labels[(labels > len(CLASSES)) & (labels != VOID)]
    if wrong.size:
        raise DatasetError(f"{path}: label {wrong.max()} is none of 0 to {len(CLASSES)}")
    return table[labels.astype(np.intp)]


def _listed(root: Path, split: str) -> tuple[Path, list[str]]:
    """Return VOC's folder and the names of a split; trainval may be the two others together."""
    for folder in ("ImageSets/Main", "ImageSets/SegmentationContext"):
        for lists in ([split], ["train", "val"]):
            if split not in lists and split != "trainval":
                continue
            parts = [f"{folder}/{name}.txt" for name in lists]
            if any(all((root / place / part).exists() for part in parts) for place in VOC_PLACES):
                voc = find_folder(TITLE, root, VOC_PLACES, ["JPEGImages", *parts])
                return voc, [name for part in parts for name in read_names(voc / part)]
    raise DatasetError(
        f"{TITLE}: {VOC_PLACES[0]}/ImageSets/Main/{split}.txt is missing in {root} (looked in "
        f"{', '.join(VOC_PLACES)}, and for ImageSets/SegmentationContext)"
    )


def _converted(root: Path) -> Path | None:
    """Return mmsegmentation's folder of labels, if there is one and not the original."""
    folders = [root / place / "SegmentationClassContext" for place in PLACES]
    original = any((root / place / "trainval").is_dir() for place in PLACES)
    return None if original else next((each for each in folders if each.is_dir()), None)


def _alphabetical(*, first: int, rest: int) -> UInt8[np.ndarray, "256"]:
    """Return what mmsegmentation's labels become: 1 to 59 in the order of their spellings."""
    table = np.full(VOID + 1, VOID, np.uint8)
    table[0] = rest
    spelled = {SPELLINGS.get(name, name): k for k, name in enumerate(CLASSES, start=first)}
    table[1 : len(CLASSES) + 1] = [spelled[name] for name in sorted(spelled)]
    return table


def _table(context: Path, *, first: int, rest: int) -> UInt8[np.ndarray, "460"]:
    """Return what each label of the 459 becomes: the classes from ``first`` on, or ``rest``."""
    numbers = {name: number for number, name in _read_labels(context / "labels.txt").items()}
    task = context / "59_labels.txt"
    if task.exists():
        _check_order(task)
    table = np.full(max(numbers.values(), default=0) + 1, rest, np.uint8)
    for label, name in enumerate(CLASSES, start=first):
        spelling = SPELLINGS.get(name, name)
        if spelling not in numbers:
            raise DatasetError(f"{context / 'labels.txt'}: does not name the class {spelling!r}")
        table[numbers[spelling]] = label
    return table


def _check_order(path: Path) -> None:
    """Refuse a list of the 59 in another order, whose labels would mean other classes."""
    for number, name in _read_labels(path).items():
        if not 1 <= number <= len(CLASSES) or name != CLASSES[number - 1]:
            known = repr(CLASSES[number - 1]) if 1 <= number <= len(CLASSES) else "one of 59"
            raise DatasetError(f"{path}: class {number} is {name!r}, not {known}")


def _read_labels(path: Path) -> dict[int, str]:
    """Read lines ``7: air conditioner``; blanks within a name are dropped."""
    names: dict[int, str] = {}
    for line in read_lines(path):
        number, colon, name = line.partition(":")
        if not colon or not number.strip().isdigit():
            raise DatasetError(f"{path}: {line!r} is no line 'number: name'")
        names[int(number)] = name.replace(" ", "").replace("\t", "")
    return names
