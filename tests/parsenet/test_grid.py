import pytest

from parsenet.errors import ModelError
from parsenet.fcn import FCN8s, FCN16s, FCN32s
from parsenet.grid import Grid
from parsenet.net import ParseNet


def test_crops_of_fcn_have_the_offsets_of_the_reference_networks() -> None:
    fcn32s, fcn16s, fcn8s = (net(width=1 / 64) for net in (FCN32s, FCN16s, FCN8s))
    assert fcn32s.score.offset == 19
    assert (fcn16s.score_pool4c.offset, fcn16s.score.offset) == (5, 27)
    offsets = (fcn8s.score_pool4c.offset, fcn8s.score_pool3c.offset, fcn8s.score.offset)
    assert offsets == (5, 9, 31)


def test_released_parsenet_is_cropped_at_its_top_left_corner() -> None:
    assert ParseNet(width=1 / 64).score.offset == 0


def test_full_parsenet_is_cropped_where_its_padded_fc6_asks_for() -> None:
    # The release does not pad the deconvolution and crops at 48; here its padding of 16 takes part.
    net = ParseNet(width=1 / 64, stride=32, fc6="full")
    assert net.score.offset + net.upscore.padding[0] == 48


def test_interpolation_halves_the_stride_and_keeps_the_border_in_place() -> None:
    coarse = Grid(stride=8, centre=3.5)
    fine = coarse.interpolated(2)
    assert fine == Grid(stride=4, centre=1.5)
    assert fine.centre - fine.stride / 2 == coarse.centre - coarse.stride / 2


@pytest.mark.parametrize(
    ("grid", "reference"),
    [(Grid(2, 0), Grid(1, 0)), (Grid(1, 0.5), Grid(1, 0)), (Grid(1, 3), Grid(1, 0))],
)
def test_maps_that_no_crop_aligns_are_refused(grid: Grid, reference: Grid) -> None:
    with pytest.raises(ModelError, match="no crop of Grid"):
        grid.offset_to(reference)
