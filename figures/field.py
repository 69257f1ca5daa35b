"""The paper's figure: image, activation, theoretical field, empirical field."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from erf.measures import Field, measure
from erf.results import UnitResult
from figures.activation import draw_activation, draw_value_bar
from figures.caption import field_caption, image_note, theory_note
from figures.lettering import wrap
from figures.maps import ShareScale, draw_map, draw_share_bar
from figures.naming import Measure
from figures.outlines import DEFAULT_OUTLINES, Outline, draw_outlines, styled_levels
from figures.panels import CAPTION_POINTS, Panels
from figures.photo import dimmed, draw_image, picture
from figures.registry import figure
from figures.scale_bar import draw_scale_bar
from figures.style import Width, inches, styled
from figures.theory import draw_box, draw_theory

_ONE_ROW = 5.0
"""From this width on, inches, the four panels stand in one row; below, two by two."""

_BAR = {"height": 0.07, "inset": 0.08}
"""Of the colour bars, inches."""


@figure("field", takes="result")
@styled
def field_figure(
    result: UnitResult,
    *,
    by: Measure = measure,
    width: Width = "page",
    outlines: Sequence[Outline] = DEFAULT_OUTLINES,
    scale: ShareScale | None = None,
) -> Figure:
    """Four panels and a caption line: what a unit could hear, and what it hears.

    Args:
        result: of one unit.
        by: measures it, for the caption; ``partial(erf.measure, criterion="peak")`` for another
            criterion.
        width: ``column``, ``page`` or inches; narrow figures have two rows of panels.
        outlines: contours around shares of the field's mass or above shares of its peak.
        scale: of the field's colours.

    Raises:
        UnitError: when ``result`` holds a whole layer.
        SettingError: when ``width`` is out of range.
    """
    field = Field.of(result)
    scale = scale or ShareScale()
    rows, cols = result.grid.image_size
    total = inches(width)
    columns = 4 if total >= _ONE_ROW else 2
    caption = wrap(field_caption(result, by(result), outlines), total - 0.1, CAPTION_POINTS)
    panels = Panels(total, 4 // columns, columns, rows / cols, caption=tuple(caption))
    figure = panels.figure()
    seen = picture(result)

    draw_image(panels.axes(figure, 0, "(a) image"), seen)
    panels.note(figure, 0, image_note(result))

    response = "norm" if result.target.channel is None else f"channel {result.target.channel}"
    axes = panels.axes(figure, 1, f"(b) {result.target.layer}, {response}")
    drawn = draw_activation(axes, result.activation, result.target.unit)
    draw_value_bar(panels.strip(figure, 1, **_BAR), drawn)

    draw_theory(panels.axes(figure, 2, "(c) theoretical field"), seen, result.theory)
    panels.note(figure, 2, theory_note(result.theory, (rows, cols)))

    mesh = draw_field(
        panels.axes(figure, 3, "(d) empirical field"), result, outlines=outlines, scale=scale
    )
    lines = styled_levels(field.clean, field.cells, outlines)
    draw_share_bar(panels.strip(figure, 3, **_BAR), mesh, scale, lines=lines)
    return figure


def draw_field(
    axes: Axes,
    result: UnitResult,
    *,
    outlines: Sequence[Outline] = DEFAULT_OUTLINES,
    scale: ShareScale | None = None,
    peak: float | None = None,
) -> QuadMesh:
    """The field over the dimmed image: contours, the theoretical box and a scale bar.

    What `erf.measure` counts as zero, because it may be rounding, is drawn as zero.
    """
    field = Field.of(result)
    axes.imshow(dimmed(picture(result)), gid="dimmed")
    mesh = draw_map(axes, field.clean, field.cells, scale=scale, peak=peak, overlay=True)
    draw_outlines(axes, field.clean, field.cells, outlines)
    visible = None if field.theory is None else field.theory.clip(field.image_size)
    if visible is not None and visible.size != field.image_size:
        draw_box(axes, visible, linestyle="solid", gid="visible-box")
    draw_scale_bar(axes, field.image_size)
    return mesh
