"""An image tinted by its classes."""

import numpy as np
import pytest

from erf.errors import SettingError
from figures.overlay import overlay_figure, shares, tinted
from strategies.results import photo
from strategies.tidy import assert_tidy

CLASSES = ("background", "leaf", "never", "disc")
PALETTE = np.array([[0, 0, 0], [230, 160, 0], [1, 2, 3], [90, 180, 230]], np.uint8)


@pytest.fixture
def label():
    label = np.zeros((240, 208), np.uint8)
    label[60:180, :104] = 3
    label[:60, :52] = 1
    return label


def test_each_pixel_is_mixed_with_its_colour():
    image = np.array([[[100, 200, 50], [100, 200, 50]]], np.uint8)
    label = np.array([[0, 1]], np.uint8)
    mixed = tinted(image, label, PALETTE, np.full(4, 0.6))
    assert mixed.tolist() == [[[40, 80, 20], [178, 176, 20]]]
    np.testing.assert_array_equal(tinted(image, label, PALETTE, np.zeros(4)), image)


def test_background_shows_the_photo_as_it_is(label):
    figure = overlay_figure(photo(), label, CLASSES, PALETTE)
    (drawn,) = (np.asarray(image.get_array()) for image in figure.axes[0].get_images())
    np.testing.assert_array_equal(drawn[label == 0], photo()[label == 0])
    assert (drawn[label == 3] != photo()[label == 3]).any(axis=-1).mean() > 0.9


def test_the_legend_names_what_occurs_with_its_share_the_largest_first(label):
    assert shares(label, 4) == {0: 0.6875, 3: 0.25, 1: 0.0625}
    figure = overlay_figure(photo(), label, CLASSES, PALETTE)
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts == ["background 68.8%", "disc 25.0%", "leaf 6.2%"]
    colors = [tuple(np.rint(np.array(p.get_facecolor()[:3]) * 255)) for p in legend.get_patches()]
    assert colors == [(255, 255, 255), (90, 180, 230), (230, 160, 0)]


@pytest.mark.parametrize("width", ["column", "page"])
def test_nothing_is_cut_off_or_overlaps(width):
    names = [f"class number {index}" for index in range(33)]
    palette = np.arange(99, dtype=np.uint8).reshape(33, 3)
    label = (np.indices((240, 208))[1] % 33).astype(np.uint8)
    figure = overlay_figure(photo(), label, names, palette, title="a photo.jpg", width=width)
    assert_tidy(figure)
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert box.x1 <= figure.bbox.width
    assert box.y1 <= figure.axes[0].get_window_extent().y0


def test_sizes_must_agree(label):
    with pytest.raises(SettingError, match=r"labels are \(9, 208\), the image \(240, 208\)"):
        overlay_figure(photo(), label[:9], CLASSES, PALETTE)
