"""The data sets by name."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from parsenet.datasets import camvid, pascal_context, sift_flow, voc2012
from parsenet.datasets.dataset import LabelledImages
from parsenet.datasets.download import download_voc2012
from parsenet.datasets.folder import open_folder
from parsenet.datasets.scenes import SPLITS as SCENE_SPLITS
from parsenet.datasets.scenes import SceneDataset
from parsenet.errors import DatasetError


@dataclass(frozen=True)
class Entry:
    """How a data set is opened, which splits it has (none: any), and how it is downloaded."""

    open: Callable[[Path, str], LabelledImages]
    splits: tuple[str, ...] = ()
    download: Callable[[Path, str], None] | None = None


DATASETS: Mapping[str, Entry] = MappingProxyType(
    {
        "voc2012": Entry(voc2012.open_voc2012, voc2012.SPLITS, download_voc2012),
        "pascal-context": Entry(pascal_context.open_pascal_context, pascal_context.SPLITS),
        "pascal-context-59": Entry(
            partial(pascal_context.open_pascal_context, background=False), pascal_context.SPLITS
        ),
        "sift-flow": Entry(sift_flow.open_sift_flow, sift_flow.SPLITS),
        "camvid": Entry(camvid.open_camvid, camvid.SPLITS),
        "folder": Entry(open_folder),
        "scenes": Entry(lambda _, split: SceneDataset(split), SCENE_SPLITS),
    }
)
"""``pascal-context`` counts 60 classes with the background, ``pascal-context-59`` without."""


def open_dataset(
    name: str, root: str | os.PathLike[str] | None, split: str, *, download: bool = False
) -> LabelledImages:
    """Open a split of a data set whose files lie in ``root``.

    Args:
        name: one of ``DATASETS``.
        root: the folder into which the data set's archives were unpacked; for "scenes", None.
        split: one of the data set's; for "folder", any that the folder has.
        download: fetch what is missing first; only VOC 2012 and SBD can be.

    Raises:
        DatasetError: if there is no such data set or split, or files are missing.
    """
    if name not in DATASETS:
        raise DatasetError(f"no data set {name!r}; there are {', '.join(DATASETS)}")
    entry = DATASETS[name]
    if entry.splits and split not in entry.splits:
        raise DatasetError(f"{name}: no split {split!r}; there are {', '.join(entry.splits)}")
    if root is None and name != "scenes":
        raise DatasetError(f"{name}: needs the root folder of its files")
    if download and entry.download is None:
        can = ", ".join(name for name, other in DATASETS.items() if other.download)
        raise DatasetError(f"{name}: cannot be downloaded from here; only {can} can")
    if download and entry.download is not None:
        entry.download(Path(root or "."), split)
    return entry.open(Path(root or "."), split)
