import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from erf import PatchGrid, SettingError


@st.composite
def grids(draw):
    size = (draw(st.integers(1, 40)), draw(st.integers(1, 40)))
    patch = draw(st.integers(1, 20))
    assume(patch <= min(size))
    return PatchGrid(size, patch, draw(st.integers(1, patch)))


@given(grids())
def test_every_pixel_is_covered_and_no_patch_leaves_the_image(grid):
    seen = np.zeros(grid.image_size, int)
    for index in range(len(grid)):
        box = grid.box(index)
        assert box.size == (grid.patch, grid.patch)
        assert box.clip(grid.image_size) == box
        seen[box.slices()] += 1
    assert seen.min() >= 1


@given(grids())
def test_patches_step_by_the_stride_but_for_the_last(grid):
    for starts in grid.starts:
        steps = np.diff(starts)
        assert (steps[:-1] == grid.stride).all()
        assert ((steps > 0) & (steps <= grid.stride)).all()


@given(grids())
def test_boxes_are_the_box_of_every_index(grid):
    table = [(b.top, b.left, b.bottom, b.right) for b in map(grid.box, range(len(grid)))]
    assert grid.boxes.reshape(-1, 4).tolist() == [list(row) for row in table]


@given(grids())
def test_areas_share_out_the_image(grid):
    rows, cols = grid.image_size
    assert grid.areas.shape == grid.shape
    assert grid.areas.sum() == pytest.approx(rows * cols)
    nearest = np.zeros(grid.shape)
    row_centers, col_centers = grid.centers
    for row in np.arange(rows * 4) / 4 - 0.375:  # quarter pixels, by brute force
        for col in np.arange(cols) + 0.0:
            distance = np.abs(row_centers - row)
            nearest[distance.argmin(), np.abs(col_centers - col).argmin()] += 0.25
    assert nearest.sum(axis=1) == pytest.approx(grid.areas.sum(axis=1), abs=cols)


def test_a_500_image_with_patch_16_stride_16_has_32_patches_a_side():
    grid = PatchGrid((500, 500), 16, 16)
    assert grid.shape == (32, 32)
    assert grid.starts[0][-2:].tolist() == [480, 484]


@pytest.mark.parametrize(
    ("patch", "stride", "words"),
    [
        (41, 1, r"patch 41 is larger than the image \(40x60\)"),
        (0, 1, "patch 0 must be at least 1 pixel"),
        (8, -2, "stride -2 must be at least 1 pixel"),
        (8, 9, "stride 9 is larger than patch 8"),
    ],
)
def test_impossible_grids_are_refused_in_words(patch, stride, words):
    with pytest.raises(SettingError, match=words):
        PatchGrid((40, 60), patch, stride)
