"""Label maps: each pixel in its class's colour, only occurring classes in the legend."""

import numpy as np
import pytest

import erf
from figures import predictions_figure
from figures.predictions import VOID_COLOR
from strategies.results import photo
from strategies.tidy import assert_tidy

CLASSES = ["background", "square", "never", "disc"]
PALETTE = np.array([[40, 40, 40], [230, 159, 0], [1, 2, 3], [86, 180, 233]], np.uint8)


@pytest.fixture
def labels():
    labels = np.zeros((240, 208), int)
    labels[60:160, 60:160] = 1
    labels[:5] = 255
    return labels


def test_each_pixel_has_its_classs_colour(labels):
    figure = predictions_figure(photo(), {"late": labels}, CLASSES, PALETTE)
    axes = next(a for a in figure.axes if a.get_title(loc="left") == "late")
    drawn = axes.images[0].get_array()
    assert tuple(drawn[0, 0]) == VOID_COLOR
    assert tuple(drawn[100, 100]) == (230, 159, 0)
    assert tuple(drawn[200, 10]) == (40, 40, 40)


def test_the_legend_names_the_classes_that_occur(labels):
    truth = labels.copy()
    truth[200, 10] = 3
    figure = predictions_figure(photo(), {"late": labels}, CLASSES, PALETTE, truth=truth)
    (legend,) = figure.legends
    assert [t.get_text() for t in legend.get_texts()] == ["background", "square", "disc"]
    assert [a.get_title(loc="left") for a in figure.axes] == ["image", "truth", "late"]


@pytest.mark.parametrize("width", ["column", "page"])
def test_nothing_is_cut_off_or_overlaps(labels, width):
    names = [f"a class with number {index}" for index in range(11)]
    palette = np.arange(33, dtype=np.uint8).reshape(11, 3)
    spread = np.indices(labels.shape)[1] % 11
    figure = predictions_figure(photo(), {"none": labels, "late": spread}, names, palette)
    assert_tidy(figure)
    for legend in figure.legends:
        box = legend.get_window_extent()
        assert box.x1 <= figure.bbox.width
        lowest = min(axes.get_window_extent().y0 for axes in figure.axes)
        assert box.y1 <= lowest


def test_sizes_and_colours_must_agree(labels):
    with pytest.raises(erf.SettingError, match="labels 'late' are"):
        predictions_figure(photo(), {"late": labels[:9]}, CLASSES, PALETTE)
    with pytest.raises(erf.SettingError, match="4 classes have 3 colours"):
        predictions_figure(photo(), {"late": labels}, CLASSES, PALETTE[:3])
