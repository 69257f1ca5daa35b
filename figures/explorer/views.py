"""The page's Bokeh models: a photo and a layer a side; letter boxes between page and tab."""

from __future__ import annotations

from dataclasses import dataclass

from bokeh.events import DocumentReady, DoubleTap, Tap
from bokeh.models import (
    ColumnDataSource,
    CustomJS,
    ImageRGBA,
    Model,
    Plot,
    Range1d,
    Scatter,
    Segment,
)

from figures.activation import UNIT_COLOR
from figures.explorer.painting import Raster
from figures.report.controls import blank, outlined, quads
from figures.theory import THEORY_COLOR


@dataclass(frozen=True)
class SideView:
    """One side's plots and what they show.

    Attributes:
        field: the photo with the field over it.
        layer: the layer's response, or whom a patch reaches.
        sources: of their glyphs, by name.
    """

    field: Plot
    layer: Plot
    sources: dict[str, ColumnDataSource]

    def show_image(self, name: str, raster: Raster | None, size: tuple[int, int]) -> None:
        """Put a raster over a plot of (rows, cols); None clears it."""
        rows, cols = size
        full = {"x": [-0.5], "y": [-0.5], "dw": [cols], "dh": [rows]}
        shown = {"image": [raster], **full} if raster is not None else empty_image()
        self.sources[name].data = shown

    def show_box(self, name: str, box: tuple[float, float, float, float] | None) -> None:
        """Outline (top, left, bottom, right), edges between pixels; None clears it."""
        top, left, bottom, right = ([] if box is None else [edge] for edge in box or (0.0,) * 4)
        colors = ["white"] * len(top)
        edges = {"top": top, "left": left, "bottom": bottom, "right": right}
        self.sources[name].data = {**edges, "color": colors}

    def show_unit(self, unit: tuple[int, int]) -> None:
        """Ring a unit of the layer."""
        self.sources["unit"].data = {"x": [unit[1]], "y": [unit[0]]}


@dataclass(frozen=True)
class Views:
    """Everything of a tab that the server writes to.

    Attributes:
        sides: two.
        asked: what the page sends, JSON in a column of one.
        told: what the tab says, likewise.
    """

    sides: tuple[SideView, SideView]
    asked: ColumnDataSource
    told: ColumnDataSource

    @property
    def roots(self) -> dict[str, Model]:
        """What is placed in the page, by the name of its place."""
        return {
            f"{name}{index}": getattr(side, name)
            for index, side in enumerate(self.sides)
            for name in ("field", "layer")
        }

    @property
    def ready(self) -> CustomJS:
        """What runs once the page is there."""
        plots = ", ".join(self.roots)
        return CustomJS(
            args={**self.roots, "asked": self.asked, "told": self.told},
            code=f"window.explorerPage = new ExplorerPage({{asked, told, {plots}}})",
        )

    @property
    def ready_event(self) -> type[DocumentReady]:
        """When that is."""
        return DocumentReady


def build_views() -> Views:
    """Plots for two sides, connected to the page's methods."""
    told = ColumnDataSource({"json": []})
    told.js_on_change("data", CustomJS(code="window.explorerPage?.hear(cb_obj.data.json[0])"))
    asked = ColumnDataSource({"json": []})
    sides = _side(0), _side(1)
    sides[0].field.tags = [asked, told]  # what no plot refers to is no part of the document
    return Views(sides, asked, told)


def fit(plot: Plot, size: tuple[int, int], shape: float) -> None:
    """Show (rows, cols) whole; ``shape`` is the plot's width over its height."""
    rows, cols = size
    plot.aspect_ratio = shape
    for span, start, end in (
        (plot.x_range, -0.5, cols - 0.5),
        (plot.y_range, rows - 0.5, -0.5),
    ):
        assert isinstance(span, Range1d)
        span.update(start=start, end=end)


def empty_image() -> dict[str, list[object]]:
    """No image."""
    return {name: [] for name in ("image", "x", "y", "dw", "dh")}


def _side(index: int) -> SideView:
    field, layer = blank(), blank()
    sources = {
        **{name: ColumnDataSource(empty_image()) for name in ("picture", "overlay", "response")},
        **{name: quads() for name in ("theory", "patch")},
        "contour": ColumnDataSource({name: [] for name in ("x0", "y0", "x1", "y1")}),
        "unit": ColumnDataSource({"x": [], "y": []}),
    }
    image = ImageRGBA(image="image", x="x", y="y", dw="dw", dh="dh")
    line = Segment(x0="x0", y0="y0", x1="x1", y1="y1", line_color="white", line_width=1.5)
    field.add_glyph(sources["picture"], image)
    field.add_glyph(sources["overlay"], image.clone())
    field.add_glyph(sources["contour"], line)
    field.add_glyph(sources["theory"], outlined(THEORY_COLOR))
    field.add_glyph(sources["patch"], outlined("white", dash="dotted"))
    layer.add_glyph(sources["response"], image.clone())
    for color, width in (("black", 6), (UNIT_COLOR, 3)):
        layer.add_glyph(
            sources["unit"],
            Scatter(size=14, fill_alpha=0, line_color=color, line_width=width),
        )
    for plot, method in ((field, "tapPatch"), (layer, "tapUnit")):
        tapped = f"window.explorerPage?.{method}({index}, cb_obj.x, cb_obj.y)"
        for tap in (Tap, DoubleTap):  # two quick clicks on two units count as one double click
            plot.js_on_event(tap, CustomJS(code=tapped))
    return SideView(field, layer, sources)
