"""Colours for label images."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from parsenet.atomic import whole_file

Color = tuple[int, int, int]


def voc_palette() -> UInt8[np.ndarray, "256 3"]:
    """Return PASCAL VOC's colours of the labels 0 to 255, as RGB.

    Bits 0, 3 and 6 of a label become the highest, second and third bit of its red (bits 1, 4, 7 of
    its green, 2, 5 of its blue), so that small labels get colours far apart: black, dark red, dark
    green, ... and the void label 255 a pale beige. Source: ``VOClabelcolormap`` of the VOC kit.
    """
    labels = np.arange(256)
    colors = np.zeros((256, 3), np.uint8)
    for channel in range(3):
        for place in range((8 - channel + 2) // 3):
            bit = labels >> (3 * place + channel) & 1
            colors[:, channel] |= (bit << (7 - place)).astype(np.uint8)
    return colors


def extended(colors: list[tuple[int, int, int]]) -> UInt8[np.ndarray, "256 3"]:
    """Return a palette that begins with ``colors``, the rest black."""
    palette = np.zeros((256, 3), np.uint8)
    palette[: len(colors)] = colors
    return palette


def label_colors(palette: UInt8[np.ndarray, "256 3"], classes: int) -> dict[Color, int]:
    """Return the label of each colour of a palette: of the classes, and of void.

    Example:
        >>> label_colors(voc_palette(), 2)
        {(0, 0, 0): 0, (128, 0, 0): 1, (224, 224, 192): 255}
    """
    labels = (*range(classes), 255)
    return {(int(r), int(g), int(b)): k for k in labels for r, g, b in [palette[k]]}


def write_labels(label: UInt8[np.ndarray, "rows cols"], path: Path) -> None:
    """Write labels as VOC does: a PNG whose pixel values are the labels, in VOC's colours."""
    image = Image.fromarray(label)
    image.putpalette(voc_palette().tobytes())
    with whole_file(path) as staging:
        image.save(staging, format="PNG")
