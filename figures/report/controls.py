"""The page's Bokeh models: two plots and the widgets that steer them. Their state is set in the
page, by ``page.js``; here is only how they look."""

from __future__ import annotations

from dataclasses import dataclass

from bokeh.events import DocumentReady, DoubleTap, MouseLeave, MouseMove, Tap
from bokeh.models import (
    ColumnDataSource,
    CustomJS,
    ImageURL,
    Model,
    Plot,
    Quad,
    Range1d,
    Scatter,
    Segment,
)
from bokeh.models.widgets import CheckboxGroup, RadioButtonGroup, Select, Slider, Spinner

from figures.activation import UNIT_COLOR
from figures.theory import THEORY_COLOR

CRITERIA = ("share of the mass", "share of the peak")


@dataclass(frozen=True)
class Controls:
    """Everything with a state.

    Attributes:
        roots: what is placed in the page, by the name of its place.
        sources: of the glyphs, by name.
    """

    roots: dict[str, Model]
    sources: dict[str, ColumnDataSource]

    @property
    def ready(self) -> CustomJS:
        """What runs once the page is there."""
        models = {**self.roots, **{f"{name}Source": s for name, s in self.sources.items()}}
        names = ", ".join(models)
        return CustomJS(args=models, code=f"window.fieldPage = new FieldPage({{{names}}})")

    @property
    def ready_event(self) -> type[DocumentReady]:
        """When that is."""
        return DocumentReady


def build_controls() -> Controls:
    """Plots and widgets, connected to the page's methods."""
    sources = {
        "picture": ColumnDataSource({name: [] for name in ("url", "w", "h", "x", "y")}),
        "patches": quads(),
        "units": quads(),
        "theory": quads(),
        "patch": quads(),
        "contour": ColumnDataSource({name: [] for name in ("x0", "y0", "x1", "y1")}),
        "points": ColumnDataSource({"x": [], "y": [], "color": []}),
        "unit": ColumnDataSource({"x": [], "y": []}),
    }
    return Controls({**widgets(), **plots(sources)}, sources)


def plots(sources: dict[str, ColumnDataSource]) -> dict[str, Model]:
    """The image with the field over it, and the layer."""
    field, layer = blank(), blank()
    field.add_glyph(
        sources["picture"],
        ImageURL(url="url", x="x", y="y", w="w", h="h", global_alpha=0.6),
    )
    field.add_glyph(sources["patches"], filled())
    field.add_glyph(
        sources["contour"],
        Segment(x0="x0", y0="y0", x1="x1", y1="y1", line_color="white", line_width=2),
    )
    field.add_glyph(sources["theory"], outlined(THEORY_COLOR))
    field.add_glyph(sources["patch"], outlined("white", dash="dotted"))
    # Outlined in their own colour, or the background would shine through between them.
    layer.add_glyph(sources["units"], filled(line_color="color"))
    point = Scatter(size=9, fill_color="color", line_color="white", line_width=1.5)
    layer.add_glyph(sources["points"], point)
    for color, line_width in (("black", 6), (UNIT_COLOR, 3)):
        ring = Scatter(size=14, fill_alpha=0, line_color=color, line_width=line_width)
        layer.add_glyph(sources["unit"], ring)
    for tap in (Tap, DoubleTap):  # two quick clicks on two units count as one double click
        layer.js_on_event(tap, CustomJS(code="window.fieldPage.tapUnit(cb_obj.x, cb_obj.y)"))
    field.js_on_event(MouseMove, CustomJS(code="window.fieldPage.hover(cb_obj.x, cb_obj.y)"))
    field.js_on_event(Tap, CustomJS(code="window.fieldPage.hover(cb_obj.x, cb_obj.y)"))
    field.js_on_event(MouseLeave, CustomJS(code="window.fieldPage.leave()"))
    return {"field": field, "layer": layer}


def widgets() -> dict[str, Model]:
    """What can also be done by keyboard: every choice on the page."""
    selects: dict[str, Model] = {
        name: Select(title=name, options=[], sizing_mode="stretch_width")
        for name in ("model", "layer", "image")
    }
    for name, select in selects.items():
        select.js_on_change("value", CustomJS(code=f"window.fieldPage?.choose('{name}')"))
    criterion = RadioButtonGroup(labels=list(CRITERIA), active=0, sizing_mode="stretch_width")
    criterion.js_on_change("active", CustomJS(code="window.fieldPage?.chooseCriterion()"))
    threshold = Slider(
        start=0,
        end=1,
        step=1,
        value=0,
        sizing_mode="stretch_width",
        show_value=False,
    )
    threshold.js_on_change("value", CustomJS(code="window.fieldPage?.drawThreshold()"))
    theory = CheckboxGroup(labels=["theoretical field"], active=[0])
    theory.js_on_change("active", CustomJS(code="window.fieldPage?.drawTheory()"))
    spinners: dict[str, Model] = {}
    for thing in ("unit", "patch"):
        for axis in ("row", "col"):
            spinner = Spinner(title=f"{thing} {axis}", low=0, step=1, value=0, width=90)
            spinner.js_on_change("value", CustomJS(code=f"window.fieldPage?.spin('{thing}')"))
            spinners[f"{thing}_{axis}"] = spinner
    choices = {f"{name}_select": select for name, select in selects.items()}
    return {
        **choices,
        "criterion": criterion,
        "threshold": threshold,
        "theory_box": theory,
        **spinners,
    }


def blank() -> Plot:
    """A plot without axes that takes the width it is given; the page sets its ranges."""
    return Plot(
        x_range=Range1d(start=0, end=1),
        y_range=Range1d(start=1, end=0),
        min_border=0,
        outline_line_color=None,
        toolbar_location=None,
        sizing_mode="scale_width",
        background_fill_color="#222222",
        output_backend="canvas",
    )


def quads() -> ColumnDataSource:
    """Boxes with a colour."""
    return ColumnDataSource({name: [] for name in ("left", "right", "top", "bottom", "color")})


def filled(line_color: str | None = None) -> Quad:
    """Coloured boxes, without a border or with one of the named column's colours."""
    return Quad(
        left="left",
        right="right",
        top="top",
        bottom="bottom",
        fill_color="color",
        line_color=line_color,
    )


def outlined(color: str, dash: str = "solid") -> Quad:
    """Borders only."""
    return Quad(
        left="left",
        right="right",
        top="top",
        bottom="bottom",
        fill_alpha=0,
        line_color=color,
        line_width=2,
        line_dash=dash,
    )
