"""Meanings of dimensions under view and permute, against NumPy doing the same to coordinates."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from erf.graph import Axis, Digit, Layout

SHAPE = (2, 6, 8, 12)


def coordinates(axis: int) -> np.ndarray:
    """Each element's own index along one dimension of the map."""
    return np.broadcast_to(
        np.arange(SHAPE[axis]).reshape([-1 if a == axis else 1 for a in range(4)]), SHAPE
    )


def from_layout(layout: Layout, axis: Axis) -> np.ndarray:
    """The index along an axis that a layout claims for every element."""
    total = np.zeros(layout.shape, dtype=int)
    for place, dim in enumerate(layout.dims):
        inner = np.zeros(layout.shape[place], dtype=int)
        size = layout.shape[place]
        for digit in dim:
            size //= digit.size
            if digit.axis is axis:
                inner += np.arange(len(inner)) // size % digit.size * digit.step
        total += inner.reshape([-1 if p == place else 1 for p in range(len(layout.dims))])
    return total


def check(layout: Layout, rows: np.ndarray, cols: np.ndarray) -> None:
    assert layout.shape == rows.shape
    if not layout.lost:
        np.testing.assert_array_equal(from_layout(layout, Axis.ROW), rows)
        np.testing.assert_array_equal(from_layout(layout, Axis.COL), cols)


@st.composite
def shapes(draw: st.DrawFn, old: tuple[int, ...]) -> tuple[int, ...]:
    """Another shape for the same elements: dimensions cut in two, then some of them joined."""
    pieces: list[int] = []
    for size in old:
        low = draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
        pieces += [size // low, low]
    joined = [pieces[0]]
    for piece in pieces[1:]:
        if draw(st.booleans()):
            joined[-1] *= piece
        else:
            joined.append(piece)
    return tuple(joined)


@given(st.data())
def test_positions_survive_views_and_permutations(data: st.DataObject):
    layout = Layout.plain(SHAPE)
    rows, cols = coordinates(2), coordinates(3)
    for _ in range(data.draw(st.integers(1, 4))):
        if data.draw(st.booleans()) or rows.ndim > 7:
            shape = data.draw(shapes(rows.shape))
            layout, rows, cols = layout.reshape(shape), rows.reshape(shape), cols.reshape(shape)
        else:
            order = data.draw(st.permutations(range(rows.ndim)))
            layout, rows, cols = layout.permute(order), rows.transpose(order), cols.transpose(order)
        check(layout, rows, cols)


def test_windows_and_back():
    layout = Layout.plain(SHAPE).reshape((2, 6, 4, 2, 3, 4)).permute((0, 2, 4, 3, 5, 1))
    windows = layout.reshape((24, 8, 6))
    assert [[(d.axis.value, d.size, d.step) for d in dim] for dim in windows.dims] == [
        [("batch", 2, 1), ("row", 4, 2), ("col", 3, 4)],
        [("row", 2, 1), ("col", 4, 1)],
        [("channel", 6, 1)],
    ]
    assert not windows.is_map
    back = windows.reshape((2, 4, 3, 2, 4, 6)).permute((0, 5, 1, 3, 2, 4)).reshape(SHAPE)
    assert back == Layout.plain(SHAPE)


def test_boundaries_that_cut_a_digit_lose_positions():
    layout = Layout.plain((2, 3, 5, 7)).reshape((2, 21, 5))
    assert layout.lost
    assert layout.shape == (2, 21, 5)


def test_dimensions_of_a_map():
    nhwc = Layout.plain(SHAPE).permute((0, 2, 3, 1))
    assert (nhwc.row_dim, nhwc.col_dim, nhwc.batch_dim, nhwc.map_size) == (1, 2, 0, (8, 12))
    assert not nhwc.turned
    assert Layout.plain(SHAPE).permute((0, 1, 3, 2)).turned


def test_a_map_of_one_row_keeps_its_axes():
    layout = Layout(((), (Digit(Axis.CHANNEL, 6),), (), (Digit(Axis.COL, 5),))).settled()
    assert (layout.row_dim, layout.col_dim) == (2, 3)


def test_rows_in_another_order_do_not_become_plain_rows():
    """Even rows first, then odd ones: one dimension again, but not the map's rows."""
    shape, swap = (2, 6, 4, 2, 12), (0, 1, 3, 2, 4)
    layout = Layout.plain(SHAPE).reshape(shape).permute(swap).reshape(SHAPE)
    rows, cols = (
        coordinates(axis).reshape(shape).transpose(swap).reshape(SHAPE) for axis in (2, 3)
    )
    check(layout, rows, cols)
    assert layout.row_dim is None
