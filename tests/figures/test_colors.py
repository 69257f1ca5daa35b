"""Colours of classes."""

import numpy as np

from figures.colors import class_colors


def test_up_to_thirty_classes_have_colours_of_their_own():
    colors = class_colors(30)
    assert len({tuple(color) for color in colors}) == 30
    assert colors.dtype == np.uint8
    np.testing.assert_array_equal(colors[:11], class_colors(11))


def test_the_first_colours_differ_for_colour_blind_readers():
    """Viénot, Brettel and Mollon 1999: deuteranopes' colours, as linear RGB."""
    rgb = (class_colors(11) / 255) ** 2.2
    deuteranope = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])
    seen = np.clip(rgb @ deuteranope.T, 0, 1) ** (1 / 2.2)
    distance = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
    assert distance[~np.eye(11, dtype=bool)].min() > 0.04
