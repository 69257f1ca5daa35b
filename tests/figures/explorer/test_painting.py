"""Pixels and lines: each pixel has its cell's colour, and lines enclose what is inside."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from erf.geometry import PatchGrid
from erf.measures import Cells
from figures.explorer.painting import (
    MOST_LINES,
    MOST_PIXELS,
    contour,
    field_raster,
    photo_raster,
    reach_raster,
    response_raster,
    scale_css,
)
from figures.maps import overlay_colors


def colors(raster):
    return raster.view(np.uint8).reshape(*raster.shape, 4) / 255


@pytest.mark.parametrize(("patch", "stride"), [(8, 8), (9, 4), (7, 3), (1, 1)])
def test_a_pixel_has_the_color_of_the_cell_that_holds_its_middle(patch, stride):
    grid = PatchGrid((37, 50), patch, stride)
    field = np.random.default_rng(0).random(grid.shape)
    found = colors(field_raster(field, Cells.of(grid), (37, 50)))
    peak = overlay_colors()(1.0)
    row, col = np.unravel_index(field.argmax(), grid.shape)
    assert found.shape == (37, 50, 4)
    edges = Cells.of(grid)
    inside = np.outer(
        (np.arange(37) > edges.row_edges[row]) & (np.arange(37) < edges.row_edges[row + 1]),
        (np.arange(50) > edges.col_edges[col]) & (np.arange(50) < edges.col_edges[col + 1]),
    )
    assert found[inside] == pytest.approx(np.tile(peak, (inside.sum(), 1)), abs=1 / 255)


def test_a_field_of_zeros_is_clear_and_a_large_photo_is_sent_small():
    grid = PatchGrid((32, 32), 8, 8)
    assert colors(field_raster(np.zeros(grid.shape), Cells.of(grid), (32, 32)))[..., 3].max() == 0
    levels = np.zeros((MOST_PIXELS + 100, 30, 3), np.uint8)
    levels[-1] = 255
    assert photo_raster(levels).shape == (MOST_PIXELS, 30)
    assert (colors(photo_raster(levels, dim=False))[0, 0] == [0, 0, 0, 1]).all()


def test_a_response_goes_from_its_least_to_its_largest_and_a_reach_from_zero():
    shown = colors(response_raster(np.array([[-2.0, 0.0], [1.0, 3.0]], np.float32)))
    assert shown[0, 0] == pytest.approx(to_rgba("#00224e"), abs=2 / 255)
    assert shown[1, 1] == pytest.approx(to_rgba("#fee838"), abs=2 / 255)
    reached = colors(reach_raster(np.array([[1.0, 1.0], [1.0, 2.0]])))
    assert reached[0, 0, :3].max() > 0.5  # half of the largest is no black
    assert colors(response_raster(np.ones((3, 3), np.float32))).shape == (3, 3, 4)


@pytest.mark.parametrize("seed", range(4))
def test_lines_enclose_what_is_inside(seed):
    """By Green's theorem: the sum of x dy over the upright lines is the area."""
    rng = np.random.default_rng(seed)
    cells = Cells.of(PatchGrid((41, 52), 7, 4))
    inside = rng.random(cells.shape) < 0.5
    lines = contour(inside, cells)
    upright = lines["x0"] == lines["x1"]
    area = 0.0
    for row, (top, bottom) in enumerate(
        zip(cells.row_edges[:-1], cells.row_edges[1:], strict=True)
    ):
        here = upright & (lines["y0"] == top) & (lines["y1"] == bottom)
        crossings = np.sort(lines["x0"][here])
        assert len(crossings) % 2 == 0, row
        area += (bottom - top) * (crossings[1::2] - crossings[::2]).sum()
    assert area == pytest.approx(cells.areas[inside].sum())
    flat = ~upright
    assert (lines["y0"][flat] == lines["y1"][flat]).all()


def test_a_cloud_of_lines_is_left_out():
    cells = Cells.of_pixels((200, 200))
    checkered = np.indices((200, 200)).sum(axis=0) % 2 == 0
    assert len(contour(checkered, cells)["x0"]) == 0
    assert 0 < len(contour(np.ones((200, 200), bool), cells)["x0"]) <= MOST_LINES


def test_the_scale_is_that_of_the_figures():
    assert scale_css().count("#") == 17
