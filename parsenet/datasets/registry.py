"""The data sets by name; anybody's can be added.

@parsenet.register_dataset("mine", splits=("train", "val"))
def open_mine(root: Path, split: str) -> LabelledImages: ...
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from parsenet.datasets import camvid, pascal_context, sift_flow, voc2012
from parsenet.datasets.dataset import LabelledImages
from parsenet.datasets.download import download_voc2012
from parsenet.datasets.folder import open_folder
from parsenet.datasets.scenes import SPLITS as SCENE_SPLITS
from parsenet.datasets.scenes import SceneDataset
from parsenet.errors import DatasetError
from parsenet.registry import Registry

Open = TypeVar("Open", bound=Callable[[Path, str], LabelledImages])


@dataclass(frozen=True)
class Entry:
    """A data set that can be named.

    Attributes:
        open: opens a split of it, from the root folder of its files.
        splits: those it has; none: any.
        download: fetches what is missing into the root folder for a split, where that can be.
        files: whether it has files; what is generated needs no root folder, and gets ".".
    """

    open: Callable[[Path, str], LabelledImages]
    splits: tuple[str, ...] = ()
    download: Callable[[Path, str], None] | None = None
    files: bool = True


DATASETS = Registry(
    "data set",
    DatasetError,
    {
        "voc2012": Entry(voc2012.open_voc2012, voc2012.SPLITS, download_voc2012),
        "pascal-context": Entry(pascal_context.open_pascal_context, pascal_context.SPLITS),
        "pascal-context-59": Entry(
            partial(pascal_context.open_pascal_context, background=False), pascal_context.SPLITS
        ),
        "sift-flow": Entry(sift_flow.open_sift_flow, sift_flow.SPLITS),
        "camvid": Entry(camvid.open_camvid, camvid.SPLITS),
        "folder": Entry(open_folder),
        "scenes": Entry(lambda _, split: SceneDataset(split), SCENE_SPLITS, files=False),
    },
)
"""``pascal-context`` counts 60 classes with the background, ``pascal-context-59`` without."""


def register_dataset(
    name: str,
    *,
    splits: tuple[str, ...] = (),
    download: Callable[[Path, str], None] | None = None,
    files: bool = True,
) -> Callable[[Open], Open]:
    """Return a decorator that makes a function the opening of the data set of this name.

    Args:
        name: what ``open_dataset``, ``Experiment`` and ``erf train --data`` call it.
        splits, download, files: see ``Entry``.

    Raises:
        DatasetError: if the name is one of this package's own.
    """

    def register(function: Open) -> Open:
        DATASETS.register(name, Entry(function, tuple(splits), download, files))
        return function

    return register


def check_split(name: str, split: str) -> Entry:
    """Find a data set that has this split.

    Raises:
        DatasetError: if there is no such data set or split.
    """
    entry = DATASETS.find(name)
    if entry.splits and split not in entry.splits:
        raise DatasetError(f"{name}: no split {split!r}; there are {', '.join(entry.splits)}")
    return entry


def open_dataset(
    name: str, root: str | os.PathLike[str] | None, split: str, *, download: bool = False
) -> LabelledImages:
    """Open a split of a data set whose files lie in ``root``.

    Args:
        name: one of ``DATASETS``.
        root: the folder into which the data set's archives were unpacked; for "scenes", None.
        split: one of the data set's; for "folder", any that the folder has.
        download: fetch what is missing first; of ours only VOC 2012 and SBD can be.

    Raises:
        DatasetError: if there is no such data set or split, or files are missing.
    """
    entry = check_split(name, split)
    if root is None and entry.files:
        raise DatasetError(f"{name}: needs the root folder of its files")
    if download and entry.download is None:
        can = ", ".join(name for name, other in DATASETS.items() if other.download)
        raise DatasetError(f"{name}: cannot be downloaded from here; only {can} can")
    if download and entry.download is not None:
        entry.download(Path(root or "."), split)
    return entry.open(Path(root or "."), split)
