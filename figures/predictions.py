"""Label maps of several models beside their image and the truth, with a legend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Integer, UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch

from erf.errors import SettingError
from figures.frame import frame
from figures.lettering import text_width
from figures.panels import Panels
from figures.photo import draw_image
from figures.style import Width, inches, styled

VOID_COLOR = (224, 224, 224)
"""Of pixels without a class."""


@styled
def predictions_figure(
    image: UInt8[np.ndarray, "rows cols 3"],
    predictions: Mapping[str, Integer[np.ndarray, "_ _"]],
    classes: Sequence[str],
    palette: UInt8[np.ndarray, "classes 3"],
    *,
    truth: Integer[np.ndarray, "_ _"] | None = None,
    width: Width = "page",
) -> Figure:
    """Image, truth if known, one panel a prediction, and the classes that occur.

    Args:
        image: as a person sees it.
        predictions: class of every pixel, by the model's name.
        classes: their names.
        palette: their colours; a label beyond the classes is void.
        truth: class of every pixel.
        width: ``column``, ``page`` or inches.

    Raises:
        SettingError: when sizes differ, colours are missing, or ``width`` is out of range.
    """
    if len(palette) != len(classes):
        raise SettingError(f"{len(classes)} classes have {len(palette)} colours")
    labels = {**({} if truth is None else {"truth": truth}), **predictions}
    for name, label in labels.items():
        if label.shape != image.shape[:2]:
            raise SettingError(f"labels {name!r} are {label.shape}, the image {image.shape[:2]}")
    total = inches(width)
    columns = min(1 + len(labels), 3 if total < 5 else 6)
    occurring = present(labels.values(), len(classes))
    names = [classes[index] for index in occurring]
    lines = -(-len(names) // legend_columns(names, total))
    panels = Panels(
        total,
        -(-(1 + len(labels)) // columns),
        columns,
        image.shape[0] / image.shape[1],
        foot=0.05,
        below=0.08 + 0.13 * lines,
    )
    figure = panels.figure()
    draw_image(panels.axes(figure, 0, "image"), image)
    for index, (name, label) in enumerate(labels.items(), start=1):
        draw_labels(panels.axes(figure, index, name), label, palette)
    draw_legend(figure, names, palette[occurring], lines)
    return figure


def draw_labels(
    axes: Axes,
    labels: Integer[np.ndarray, "rows cols"],
    palette: UInt8[np.ndarray, "classes 3"],
) -> AxesImage:
    """Draw each pixel in its class's colour."""
    known = (labels >= 0) & (labels < len(palette))
    colors = np.where(known[..., None], palette[np.where(known, labels, 0)], VOID_COLOR)
    drawn = axes.imshow(colors.astype(np.uint8), gid="labels")
    frame(axes, (labels.shape[0], labels.shape[1]))
    return drawn


def present(labels: Iterable[Integer[np.ndarray, "rows cols"]], count: int) -> list[int]:
    """Classes that occur in any of ``labels``, in order."""
    found: set[int] = set()
    for label in labels:
        found |= {int(value) for value in np.unique(label) if 0 <= value < count}
    return sorted(found)


def legend_columns(names: Sequence[str], width: float) -> int:
    """Entries that fit beside each other in ``width`` inches."""
    widest = max((text_width(name, 6) for name in names), default=0.0) + 0.35
    return max(1, int((width - 0.2) / widest))


def draw_legend(
    figure: Figure, names: Sequence[str], colors: UInt8[np.ndarray, "n 3"], lines: int
) -> None:
    """One square a class at the figure's bottom."""
    handles = [
        Patch(facecolor=tuple(color / 255), edgecolor="0.3", linewidth=0.4, label=name)
        for name, color in zip(names, colors, strict=True)
    ]
    figure.legend(
        handles=handles,
        loc="lower left",
        ncols=-(-len(names) // max(lines, 1)),
        handlelength=1,
        handleheight=0.8,
        columnspacing=1.2,
        borderaxespad=0.3,
    )
