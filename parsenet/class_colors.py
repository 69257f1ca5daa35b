"""The colours in which a data set shows its classes, as far as it has its own."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import UInt8

from parsenet.checkpoint import Description
from parsenet.datasets import camvid, voc2012
from parsenet.datasets.dataset import LabelledImages
from parsenet.palette import extended, voc_palette

KEY = "palette"
"""Under which a checkpoint's training keeps the colours of a data set that nobody else knows."""

OWN: Mapping[tuple[str, ...], UInt8[np.ndarray, "256 3"]] = {
    voc2012.CLASSES: voc_palette(),
    camvid.CLASSES: extended(list(camvid.COLORS.values())),
}
"""By classes; other data sets of ours have none: VOC's stand in for them in label files."""


def palette_of(described: Description) -> UInt8[np.ndarray, "classes 3"] | None:
    """Return the colours of the data that a checkpoint was trained on; None: they have none.

    Example:
        >>> from parsenet.shipment import open_checkpoint
        >>> palette_of(open_checkpoint("late")) is None
        True
    """
    count = len(described.classes)
    kept = _read(described.training.get(KEY), count)
    if kept is not None:
        return kept
    own = OWN.get(tuple(described.classes))
    return None if own is None else own[:count]


def palette_to_keep(dataset: LabelledImages) -> list[list[int]] | None:
    """Return the colours of a data set as JSON takes them, where only its own files tell them."""
    colors = dataset.palette[: len(dataset.classes)]
    usual = voc_palette()[: len(dataset.classes)]
    if dataset.classes in OWN or np.array_equal(colors, usual):
        return None
    return [[int(level) for level in color] for color in colors]


def _read(kept: Any, count: int) -> UInt8[np.ndarray, "classes 3"] | None:
    """Return what was kept, None where it is no palette of so many classes."""
    if not isinstance(kept, Sequence) or len(kept) != count:
        return None
    try:
        colors = np.array(kept, dtype=np.int64)
    except (TypeError, ValueError, OverflowError):
        return None
    if colors.shape != (count, 3) or colors.min() < 0 or colors.max() > 255:
        return None
    return colors.astype(np.uint8)
