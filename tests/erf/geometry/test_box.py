import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from erf import Box

coordinate = st.integers(-6, 12)
boxes = st.builds(Box, coordinate, coordinate, coordinate, coordinate)


def pixels(box: Box) -> set[tuple[int, int]]:
    """The box as a plain set of pixels: the independent truth."""
    rows, cols = range(box.top, box.bottom), range(box.left, box.right)
    return {(row, col) for row in rows for col in cols}


@given(boxes)
def test_area_counts_pixels(box):
    assert box.area == len(pixels(box)) == box.height * box.width
    assert box.empty == (not pixels(box))


@given(boxes, boxes)
def test_intersection_holds_the_common_pixels(a, b):
    assert pixels(a.intersect(b)) == pixels(a) & pixels(b)


@given(boxes, boxes)
def test_hull_is_the_smallest_box_around_both(a, b):
    both = pixels(a) | pixels(b)
    hull = a.hull(b)
    assert both <= pixels(hull)
    if both:
        rows, cols = np.array(sorted(both)).T
        assert hull == Box(
            int(rows.min()), int(cols.min()), int(rows.max()) + 1, int(cols.max()) + 1
        )


@given(boxes)
def test_clip_agrees_with_array_indexing(box):
    array = np.zeros((7, 5), int)
    clipped = box.clip((7, 5))
    if not clipped.empty:
        array[clipped.slices()] = 1
    inside = {(r, c) for r, c in pixels(box) if 0 <= r < 7 and 0 <= c < 5}
    assert {tuple(map(int, index)) for index in np.argwhere(array)} == inside


def test_center_is_the_middle_pixel():
    assert Box(2, 4, 5, 9).center == (3, 6)
    assert Box(0, 0, 2, 2).center == (0.5, 0.5)
