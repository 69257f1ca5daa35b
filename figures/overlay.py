"""An image under the colours of the classes that its pixels are called, with a legend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, UInt8
from matplotlib.figure import Figure

from erf.errors import SettingError
from figures.panels import Panels
from figures.photo import draw_image
from figures.predictions import draw_legend, legend_columns
from figures.style import Width, inches, styled

BACKGROUND = "background"


@styled
def overlay_figure(
    image: UInt8[np.ndarray, "rows cols 3"],
    label: UInt8[np.ndarray, "label_rows label_cols"],
    classes: Sequence[str],
    palette: UInt8[np.ndarray, "colors 3"],
    *,
    title: str = "",
    width: Width = "column",
    opacity: float = 0.6,
) -> Figure:
    """The image with each pixel tinted by its class; the legend says how much each class covers.

    A class called "background" leaves its pixels as they are, white in the legend.

    Args:
        image: as a person sees it.
        label: class of every pixel.
        classes: their names.
        palette: their colours.
        title: above the image.
        width: ``column``, ``page`` or inches.
        opacity: of the colours, 0 to 1.

    Raises:
        SettingError: when sizes differ, or ``width`` is out of range.
    """
    if label.shape != image.shape[:2]:
        raise SettingError(f"labels are {label.shape}, the image {image.shape[:2]}")
    total = inches(width)
    covered = shares(label, len(classes))
    names = [f"{classes[index]} {share:.1%}" for index, share in covered.items()]
    lines = -(-len(names) // legend_columns(names, total))
    aspect = image.shape[0] / image.shape[1]
    panels = Panels(total, 1, 1, aspect, foot=0.05, below=0.08 + 0.13 * lines)
    figure = panels.figure()
    clear = np.array([name == BACKGROUND for name in classes])
    strength = np.where(clear, 0.0, opacity)
    draw_image(panels.axes(figure, 0, title), tinted(image, label, palette, strength))
    swatches = np.where(clear[:, None], 255, palette[: len(classes)])
    draw_legend(figure, names, swatches[list(covered)], lines)
    return figure


def tinted(
    image: UInt8[np.ndarray, "rows cols 3"],
    label: UInt8[np.ndarray, "rows cols"],
    palette: UInt8[np.ndarray, "classes 3"],
    opacity: Float64[np.ndarray, " classes"],
) -> UInt8[np.ndarray, "rows cols 3"]:
    """Mix each pixel with the colour of its class, as much as the class has of opacity."""
    strength = opacity[label][..., None]
    mixed = (1 - strength) * image + strength * palette[label]
    return np.rint(mixed).astype(np.uint8)


def shares(label: UInt8[np.ndarray, "rows cols"], count: int) -> dict[int, float]:
    """Share of the pixels that each occurring class covers, the largest first."""
    pixels = np.bincount(label.ravel(), minlength=count).tolist()
    order = sorted(range(count), key=lambda index: -pixels[index])
    return {index: pixels[index] / label.size for index in order if pixels[index]}
