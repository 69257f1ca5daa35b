"""What the four panels show: artists, limits and numbers."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

import erf
from figures import Outline, ShareScale, draw_field, field_figure
from figures.maps import overlay_colors
from strategies.results import gaussian_result, influence_result
from strategies.tidy import assert_tidy


def by_gid(axes, gid):
    found = [artist for artist in axes.get_children() if artist.get_gid() == gid]
    assert len(found) == 1, [artist.get_gid() for artist in axes.get_children()]
    return found[0]


def caption(figure):
    return " ".join(t.get_text() for t in figure.texts if t.get_gid() == "caption").replace(
        "\N{NO-BREAK SPACE}", " "
    )


@pytest.fixture(scope="module")
def result():
    return gaussian_result()


@pytest.fixture(scope="module")
def measurement(result):
    return erf.measure(result)


@pytest.fixture(scope="module")
def figure(result, measurement):
    return field_figure(result)


def panel(figure, title):
    return next(axes for axes in figure.axes if axes.get_title(loc="left").startswith(title))


def test_the_image_is_drawn_in_its_own_pixels(figure, result):
    drawn = by_gid(panel(figure, "(a)"), "image")
    np.testing.assert_array_equal(drawn.get_array(), result.picture)
    assert drawn.get_extent() == [-0.5, 207.5, 239.5, -0.5]


def test_the_unit_is_ringed_at_its_row_and_column(figure):
    ring = by_gid(panel(figure, "(b)"), "unit")
    assert (ring.get_xdata(), ring.get_ydata()) == ([6], [7])


def test_the_activation_is_shown_as_it_is(figure, result):
    axes = panel(figure, "(b)")
    drawn = by_gid(axes, "activation")
    np.testing.assert_array_equal(drawn.get_array(), result.activation)
    assert drawn.get_clim() == (result.activation.min(), result.activation.max())
    assert "norm" in axes.get_title(loc="left")


def test_the_field_is_a_share_of_its_peak_over_the_cells(figure, result):
    mesh = by_gid(panel(figure, "(d)"), "field")
    expected = result.discrepancy / result.discrepancy.max()
    shown = np.asarray(mesh.get_array()).reshape(result.grid.shape)
    top, left, bottom, right = np.moveaxis(result.boxes, -1, 0)
    box = result.theory.box
    reaches = (top < box.bottom) & (bottom > box.top) & (left < box.right) & (right > box.left)
    assert 0 < reaches.sum() < reaches.size
    np.testing.assert_allclose(shown, np.where(reaches, expected, 0))
    corners = mesh.get_coordinates()
    sizes = np.diff(corners[:, 0, 1])[:, None] * np.diff(corners[0, :, 0])
    np.testing.assert_allclose(sizes, result.grid.areas)


def test_the_theoretical_box_is_drawn_around_its_pixels(figure, result):
    box = result.theory.box
    drawn = by_gid(panel(figure, "(c)"), "visible-box")
    assert (drawn.get_x(), drawn.get_y()) == (box.left - 0.5, box.top - 0.5)
    assert (drawn.get_width(), drawn.get_height()) == (188, 188)


def test_a_box_beyond_the_border_is_dashed_and_wholly_in_sight():
    result = gaussian_result(theory=300, unit=(1, 1))
    figure = field_figure(result)
    axes = panel(figure, "(c)")
    box, whole = by_gid(axes, "theory-box"), result.theory.unclipped
    assert box.get_linestyle() == "dashed"
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    assert left < whole.left - 0.5 < whole.right - 0.5 < right
    assert top < whole.top - 0.5 < whole.bottom - 0.5 < bottom
    assert left <= -0.5 < 207.5 <= right
    assert top <= -0.5 < 239.5 <= bottom


def test_contours_lie_where_the_field_passes_their_share(result):
    field = erf.measures.Field.of(result)
    axes = Figure().add_subplot()
    draw_field(axes, result, outlines=[Outline("peak", 0.5), Outline("peak", 0.1)])
    lines = next(a for a in axes.collections if hasattr(a, "levels"))
    np.testing.assert_allclose(lines.levels, [0.1, 0.5])
    inside = lines.get_paths()[1]
    share = field.clean / field.clean.max()
    rows, cols = result.grid.centers
    row, col = np.unravel_index(share.argmax(), share.shape)
    assert inside.contains_point((cols[col], rows[row]))
    assert not inside.contains_point((0, 0))


def test_the_mass_contour_encloses_the_cells_that_measure_counts(result):
    field = erf.measures.Field.of(result)
    outline = Outline("mass", 0.9545)
    inside = erf.measures.inside_mass(field.clean, field.cells.areas, 0.9545)
    level = outline.level(field.clean, field.cells)
    np.testing.assert_array_equal(field.clean >= level * field.clean.max(), inside)


def test_the_caption_says_what_measure_says(figure, measurement):
    text = caption(figure)
    assert measurement.summary in text
    assert f"side of equal area {measurement.side:.0f} px" in text
    assert "95.45 % of the mass" in text
    assert "4 draws" in text


def test_the_scale_bar_is_as_long_as_it_says(figure):
    axes = panel(figure, "(d)")
    bar = next(line for line in axes.lines if line.get_gid() == "scale-bar")
    label = next(text for text in axes.texts if text.get_gid() == "scale-bar")
    left, right = bar.get_xdata()
    assert label.get_text() == f"{right - left:g} px" == "50 px"


def test_the_log_scale_is_transparent_at_its_floor_and_opaque_at_the_peak():
    scale, colors = ShareScale("log", 0.01), overlay_colors()
    assert colors(scale.norm(0.0))[3] == colors(scale.norm(0.01))[3] == 0
    assert colors(scale.norm(1.0))[3] == pytest.approx(0.9)
    assert scale.norm(0.1) == pytest.approx(0.5)
    assert ShareScale("linear").norm(0.5) == pytest.approx(0.5)


def test_the_colours_grow_lighter_with_the_share():
    colors = overlay_colors()(np.linspace(0, 1, 64))[:, :3]
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    assert (np.diff(linear @ [0.2126, 0.7152, 0.0722]) > 0).all()


@pytest.mark.parametrize("width", ["column", "page", 5.0, 2.5])
def test_nothing_is_cut_off_and_no_two_texts_overlap(width):
    layer = "backbone.features.denseblock4.denselayer16.conv2"
    result = gaussian_result(layer=layer, theory=404, name="a-rather-long-model-name")
    figure = field_figure(result, width=width)
    assert_tidy(figure)


def test_one_channel_is_named():
    result = gaussian_result(channel=12)
    figure = field_figure(result)
    assert panel(figure, "(b)").get_title(loc="left") == "(b) fc7, channel 12"


def test_a_field_of_zeros_draws_no_contours():
    result = gaussian_result()
    silent = replace(result, discrepancy=result.discrepancy * 0, samples=None)
    figure = field_figure(silent)
    axes = panel(figure, "(d)")
    assert not np.asarray(by_gid(axes, "field").get_array()).any()
    assert not any(hasattr(artist, "levels") for artist in axes.collections)
    assert "hears nothing of the image" in caption(figure)


def test_a_whole_layer_is_refused_with_a_hint():
    influence = influence_result()
    with pytest.raises(erf.UnitError, match="15x13 units"):
        field_figure(influence)


@pytest.mark.parametrize("width", ["wide", 1.0, 100, float("nan")])
def test_a_width_out_of_range_is_refused(width, result, measurement):
    with pytest.raises(erf.SettingError, match="none of column, page or 2 to 40 inches"):
        field_figure(result, width=width)


@pytest.mark.parametrize("name", ["mass", "mass:2", "area:0.5", "peak:x"])
def test_an_outline_that_is_none_is_refused(name):
    with pytest.raises(erf.SettingError, match="neither mass:SHARE nor peak:SHARE"):
        Outline.parse(name)


def test_a_users_own_settings_change_nothing(result, measurement):
    import matplotlib as mpl

    with mpl.rc_context({"axes.titlesize": 30, "image.cmap": "jet", "axes.facecolor": "red"}):
        figure = field_figure(result)
    axes = panel(figure, "(d)")
    assert axes._left_title.get_fontsize() == 7
    assert axes.get_facecolor() == to_rgba("white")
