"""How often each class occurs, before a training hangs on one that never does."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Int64, UInt8

from parsenet.datasets.dataset import VOID, LabelledImages, SegmentationDataset
from parsenet.errors import DatasetError


@dataclass(frozen=True, eq=False)
class ClassCounts:
    """Pixels of each class over a whole data set.

    Attributes:
        classes: names of the labels 0, 1, ...
        pixels: of each class.
        void: pixels that are neither trained on nor scored.
        images: how many were counted.
    """

    classes: tuple[str, ...]
    pixels: Int64[np.ndarray, " classes"]
    void: int
    images: int

    @property
    def absent(self) -> tuple[str, ...]:
        """Classes that no pixel has."""
        return tuple(
            name for name, count in zip(self.classes, self.pixels, strict=True) if not count
        )

    def report(self) -> str:
        """The shares of the classes in a line, and what a reader should know in lines after it."""
        total = max(1, int(self.pixels.sum()))
        ordered = sorted(zip(self.pixels, self.classes, strict=True), key=lambda each: -each[0])
        shown = [f"{name} {count / total:.1%}" for count, name in ordered[:8] if count]
        more = sum(1 for count, _ in ordered[8:] if count)
        lines = [
            f"{self.images} images: {', '.join(shown)}"
            + (f" and {more} more classes" if more else "")
            + f"; void {self.void / max(1, total + self.void):.1%}"
        ]
        if self.absent:
            lines.append(f"note: no pixel has {named(self.absent)}")
        if len(self.classes) - len(self.absent) == 1:
            lines.append(
                f"note: one class alone occurs: there is nothing to learn (in a mask of 0 and "
                f"{VOID}, {VOID} is void)"
            )
        return "\n".join(lines)


def named(names: Sequence[str]) -> str:
    """Return the first few names and how many there are."""
    some = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return f"{some} ({len(names)} class{'es' if len(names) > 1 else ''})"


def count_classes(
    data: LabelledImages, *, on_image: Callable[[], None] | None = None
) -> ClassCounts:
    """Count the pixels of each class, reading every label once.

    Raises:
        DatasetError: if a file cannot be read or fits no class, or all pixels are void.
    """
    found = np.zeros(VOID + 1, np.int64)
    with ThreadPoolExecutor() as readers:
        for label in readers.map(partial(_label, data), range(len(data))):
            found += np.bincount(label.ravel(), minlength=VOID + 1)
            if on_image is not None:
                on_image()
    count = len(data.classes)
    if not found[:count].any():
        raise DatasetError(
            f"{data.title} {data.split}: every pixel of its {len(data)} labels is void ({VOID})"
        )
    return ClassCounts(tuple(data.classes), found[:count], int(found[VOID]), len(data))


def _label(data: LabelledImages, index: int) -> UInt8[np.ndarray, "height width"]:
    return data.label(index) if isinstance(data, SegmentationDataset) else data[index][1]
