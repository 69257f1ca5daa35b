"""Photos with a label for each pixel, in one form whatever the files look like."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Integer, UInt8
from torch.utils.data import Dataset

from parsenet.datasets.read import read_image
from parsenet.errors import DatasetError

VOID = 255
"""The label of pixels that are neither trained on nor scored."""

LabelledImage = tuple[UInt8[np.ndarray, "height width 3"], UInt8[np.ndarray, "height width"]]


@runtime_checkable
class LabelledImages(Protocol):
    """A split of any data set; ``dataset[i]`` is (image, label).

    The image is RGB in grey levels 0..255; a label is an index of ``classes`` or ``VOID``.
    """

    @property
    def title(self) -> str:
        """Name of the data set."""

    @property
    def split(self) -> str:
        """Name of the split."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels 0, 1, ..."""

    @property
    def palette(self) -> UInt8[np.ndarray, "256 3"]:
        """A colour for each of the 256 labels, RGB."""

    @property
    def names(self) -> tuple[str, ...]:
        """The data set's own names of its images."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> LabelledImage: ...


@dataclass(frozen=True)
class PhotoFiles:
    """Where one photo and its labels lie; ``name`` is the data set's own for it."""

    name: str
    image: Path
    label: Path


@dataclass(frozen=True, eq=False)
class SegmentationDataset(Dataset[LabelledImage]):
    """A split of a data set whose photos and labels are files; see ``LabelledImages``.

    Attributes:
        title: name of the data set.
        split: name of the split.
        classes: names of the labels 0, 1, ...
        palette: a colour for each of the 256 labels, RGB.
        photos: what the split holds, in order.
        read_label: reads a label file. A function of a module or a partial of one, so that the
            data set can be sent to a worker process.
    """

    title: str
    split: str
    classes: tuple[str, ...]
    palette: UInt8[np.ndarray, "256 3"]
    photos: tuple[PhotoFiles, ...]
    read_label: Callable[[Path], Integer[np.ndarray, "height width"]]

    @property
    def names(self) -> tuple[str, ...]:
        """The data set's own names of its photos."""
        return tuple(photo.name for photo in self.photos)

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, index: int) -> LabelledImage:
        """Read a photo and its labels.

        Raises:
            DatasetError: if a file cannot be read, sizes differ, or a label names no class.
        """
        photo = self.photos[index]
        image, label = read_image(photo.image), self.label(index)
        if label.shape != image.shape[:2]:
            rows, cols = label.shape
            raise DatasetError(
                f"{photo.label}: is {rows}x{cols}, its image {image.shape[0]}x{image.shape[1]}"
            )
        return image, label

    def label(self, index: int) -> UInt8[np.ndarray, "height width"]:
        """Read the labels of a photo alone.

        Raises:
            DatasetError: if the file cannot be read, or a label names no class.
        """
        path = self.photos[index].label
        label = self.read_label(path)
        wrong = label[(label < 0) | (label >= len(self.classes)) & (label != VOID)]
        if wrong.size:
            raise DatasetError(
                f"{path}: label {wrong.max()} is neither one of the {len(self.classes)} "
                f"classes (0 to {len(self.classes) - 1}) nor {VOID} (void)"
            )
        return label.astype(np.uint8)
