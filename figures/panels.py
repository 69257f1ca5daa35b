"""A grid of equal panels, laid out in inches so that nothing can overlap or be cut off."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.lettering import shorten, wrap

TITLE_POINTS = 7.0
CAPTION_POINTS = 6.5
LINE = 1.35
"""Line spacing, in letter heights."""


@dataclass(frozen=True)
class Panels:
    """Rows and columns of panels of one size; above each a title, below each a strip.

    All lengths in inches.

    Attributes:
        width: of the figure.
        rows, columns: of panels.
        aspect: height of a panel divided by its width.
        head: room for a title above each panel.
        foot: room below each panel, for a colour bar or a line of text.
        gap: between columns.
        margin: around everything.
        caption: lines below everything.
        below: room between the panels and the caption, for axes of another shape.
    """

    width: float
    rows: int
    columns: int
    aspect: float
    head: float = 0.17
    foot: float = 0.34
    gap: float = 0.12
    margin: float = 0.05
    caption: tuple[str, ...] = ()
    below: float = 0.0

    @property
    def panel(self) -> tuple[float, float]:
        """(height, width) of one panel."""
        free = self.width - 2 * self.margin - (self.columns - 1) * self.gap
        width = free / self.columns
        return width * self.aspect, width

    @property
    def caption_height(self) -> float:
        """Room of the lines below everything."""
        return len(self.caption) * CAPTION_POINTS * LINE / 72

    @property
    def height(self) -> float:
        """Of the figure."""
        one = self.head + self.panel[0] + self.foot
        return self.rows * one + self.below + self.caption_height + 2 * self.margin

    def figure(self) -> Figure:
        """An empty figure of this size, with the caption."""
        figure = Figure(figsize=(self.width, self.height))
        for index, line in enumerate(self.caption):
            below = self.margin + self.caption_height - index * CAPTION_POINTS * LINE / 72
            figure.text(
                self.margin / self.width,
                below / self.height,
                line,
                va="top",
                fontsize=CAPTION_POINTS,
                gid="caption",
            )
        return figure

    def _corner(self, index: int) -> tuple[float, float]:
        """Bottom-left corner of a panel, inches from the figure's."""
        row, column = divmod(index, self.columns)
        height, width = self.panel
        bottom = self.height - self.margin - row * (self.head + height + self.foot)
        left = self.margin + column * (width + self.gap)
        return bottom - self.head - height, left

    def axes(self, figure: Figure, index: int, title: str = "") -> Axes:
        """Panel ``index``, row by row, with its title shortened to fit."""
        bottom, left = self._corner(index)
        height, width = self.panel
        axes = self._place(figure, bottom, left, height, width)
        axes.set_title(shorten(title, width, TITLE_POINTS))
        return axes

    def strip(self, figure: Figure, index: int, *, height: float, inset: float = 0.0) -> Axes:
        """A bar right below panel ``index``, ``height`` inches high and a little narrower."""
        bottom, left = self._corner(index)
        width = self.panel[1] - 2 * inset
        return self._place(figure, bottom - 0.06 - height, left + inset, height, width)

    def note(self, figure: Figure, index: int, text: str) -> None:
        """At most two lines below panel ``index``."""
        bottom, left = self._corner(index)
        lines = wrap(text, self.panel[1], CAPTION_POINTS - 0.5)[:2]
        figure.text(
            left / self.width,
            (bottom - 0.05) / self.height,
            "\n".join(lines),
            va="top",
            fontsize=CAPTION_POINTS - 0.5,
            linespacing=LINE,
            gid="note",
        )

    def chart(self, figure: Figure, index: int, *, left: float = 0.0, foot: float = 0.0) -> Axes:
        """Ordinary axes in the place of a panel, with room for labels on the left."""
        bottom, start = self._corner(index)
        height, width = self.panel
        return self._place(figure, bottom + foot, start + left, height - foot, width - left)

    def underneath(
        self, figure: Figure, left: float, right: float, *, head: float = 0.2, foot: float = 0.3
    ) -> Axes:
        """Axes in the room below the panels, from ``left`` to ``right`` inches of the figure."""
        bottom = self.margin + self.caption_height + foot
        return self._place(figure, bottom, left, self.below - head - foot, right - left)

    def _place(
        self, figure: Figure, bottom: float, left: float, height: float, width: float
    ) -> Axes:
        place = (
            left / self.width,
            bottom / self.height,
            width / self.width,
            height / self.height,
        )
        return figure.add_axes(place)
