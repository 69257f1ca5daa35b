"""What a user asks of a theoretical field, against NaN set pixel by pixel."""

import json

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import erf
from erf.errors import ExportError, LayerError, SettingError, UnitError
from erf.geometry import Box
from erf.theoretical import disagreement, nan_boxes
from erf.theoretical.nan import nan_reached
from erf.theoretical.weightless import Weightless
from strategies.blocks import GlobalContext, HalfThrough, Join
from strategies.networks import RandomNetwork, networks

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def pixels_read(network: RandomNetwork, layer: str, unit: tuple[int, int]) -> np.ndarray:
    """Set each pixel to NaN in turn."""
    rows, cols = network.image_size
    images = network.image().repeat(rows * cols, 1, 1, 1)
    at = np.unravel_index(np.arange(rows * cols), (rows, cols))
    images[np.arange(rows * cols), :, at[0], at[1]] = torch.nan
    with torch.no_grad(), Weightless():
        out = network.model[: int(layer) + 1](images)
    return out[:, :, unit[0], unit[1]].isnan().any(dim=1).numpy().reshape(rows, cols)


@settings(max_examples=15, deadline=None, suppress_health_check=QUIET)
@given(network=networks(size=(8, 16)), data=st.data())
def test_support_is_every_pixel_that_matters(network: RandomNetwork, data: st.DataObject):
    layer = data.draw(st.sampled_from(network.layers))
    field = erf.theoretical_field(
        network.model, layer, image_size=network.image_size, channels=network.channels
    )
    unit = tuple(data.draw(st.integers(0, n - 1)) for n in field.units)
    np.testing.assert_array_equal(field.support(unit), pixels_read(network, layer, unit))


@settings(max_examples=15, deadline=None, suppress_health_check=QUIET)
@given(network=networks(size=(8, 24)), data=st.data())
def test_projective_box_is_where_nan_arrives(network: RandomNetwork, data: st.DataObject):
    layer = data.draw(st.sampled_from(network.layers))
    rows, cols = network.image_size
    top, left = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, cols - 1))
    box = Box(
        top, left, data.draw(st.integers(top + 1, rows)), data.draw(st.integers(left + 1, cols))
    )
    hit = nan_reached(
        network.model,
        layer,
        network.image_size,
        (box.top, box.left, box.bottom, box.right),
        channels=network.channels,
    )
    found = erf.projective_box(
        network.model, layer, box, image_size=network.image_size, channels=network.channels
    )
    places = np.argwhere(hit)
    truth = Box(0, 0, 0, 0)
    if len(places):
        (first_row, first_col), (last_row, last_col) = places.min(axis=0), places.max(axis=0)
        truth = Box(int(first_row), int(first_col), int(last_row) + 1, int(last_col) + 1)
    assert found == truth


def dilated() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 2, 3, dilation=4, padding=4))


def test_support_of_a_dilated_kernel_has_holes():
    field = erf.theoretical_field(dilated(), "0", image_size=(20, 20))
    support = field.support((9, 9))
    assert support.sum() == 9
    assert np.argwhere(support).tolist() == [[r, c] for r in (5, 9, 13) for c in (5, 9, 13)]
    assert field.box((9, 9)) == Box(5, 5, 14, 14)
    assert np.argwhere(field.support((1, 19))).tolist() == [[1, 15], [1, 19], [5, 15], [5, 19]]


def test_patch_between_the_taps_reaches_nothing():
    strided = nn.Sequential(nn.Conv2d(3, 2, 1, stride=4))
    reached = erf.projective_box(strided, "0", Box(1, 1, 4, 4), image_size=(20, 20))
    assert reached.empty
    assert erf.projective_box(strided, "0", Box(1, 1, 5, 5), image_size=(20, 20)) == Box(1, 1, 2, 2)


@pytest.mark.parametrize("align_corners", [True, False])
def test_interpolated_units_have_boxes_of_their_own_phase(align_corners: bool):
    model = nn.Sequential(
        nn.Conv2d(3, 2, 3, stride=4),
        nn.Upsample(scale_factor=4, mode="bilinear", align_corners=align_corners),
        nn.Conv2d(2, 2, 3, padding=1),
    )
    field = erf.theoretical_field(model, "2", image_size=(41, 37))
    truth = nan_boxes(model, "2", (41, 37))
    np.testing.assert_array_equal(field.boxes(), truth)
    heights = field.boxes()[..., 2] - field.boxes()[..., 0]
    assert len(np.unique(heights[4:-4])) > 1
    assert (field.stride, field.status) == ((None, None), "exact")


def test_transposed_convolution_of_a_kernel_smaller_than_its_stride_reads_nothing_between():
    model = nn.Sequential(nn.ConvTranspose2d(3, 2, 2, stride=3))
    field = erf.theoretical_field(model, "0", image_size=(5, 5))
    assert field.box((2, 0)).empty
    assert field.box((3, 4)) == Box(1, 1, 2, 2)
    assert not field.support((2, 2)).any()


def test_a_branch_that_reads_nothing_leaves_the_other_alone():
    """Rows of one branch and columns of the other must not make one box."""
    far = nn.ZeroPad2d((6, -6, -2, 2))
    model = nn.Sequential(Join([nn.Conv2d(3, 3, 1), far], "add"))
    field = erf.theoretical_field(model, "0", image_size=(9, 9))
    np.testing.assert_array_equal(field.boxes(), nan_boxes(model, "0", (9, 9)))
    assert field.box((3, 2)) == Box(3, 2, 4, 3)
    assert field.box((3, 7)) == Box(3, 1, 6, 8)


@pytest.mark.parametrize(
    ("head", "operator"),
    [
        (GlobalContext(), "aten.mean"),
        (nn.AdaptiveMaxPool2d(1), "aten.adaptive_max_pool2d"),
        (nn.GroupNorm(1, 4), "aten.group_norm"),
    ],
)
def test_global_operators_read_the_whole_image(head: nn.Module, operator: str):
    field = erf.theoretical_field(nn.Sequential(nn.Conv2d(3, 4, 3), head), "1", image_size=(12, 9))
    assert (field.status, field.reasons) == ("whole_image", (operator,))
    assert (field.size, field.stride, field.padding) == ((12, 9), (None, None), (None, None))
    assert field.box((0, 0), clipped=False) == Box(0, 0, 12, 9)


def test_a_shuffled_half_keeps_the_small_field_of_its_channels():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), HalfThrough(nn.Conv2d(2, 2, 5, padding=2)))
    field = erf.theoretical_field(model, "1", image_size=(12, 12))
    assert (field.size, field.status) == ((5, 5), "exact")


def test_border_units_read_fewer_pixels():
    field = erf.theoretical_field(dilated(), "0", image_size=(20, 20))
    assert field.box((0, 19)) == Box(0, 15, 5, 20)
    assert field.box((0, 19), clipped=False) == Box(-4, 15, 5, 24)


def test_units_outside_the_layer():
    field = erf.theoretical_field(dilated(), "0", image_size=(20, 20))
    for ask in (field.box, field.support):
        with pytest.raises(UnitError, match=r"unit 20,3 is outside layer '0', which has 20x20"):
            ask((20, 3))


def test_layers_that_do_not_read_the_image():
    class Constant(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.ones(1, 1, 4, 4)

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fixed = Constant()

        def forward(self, x: Tensor) -> Tensor:
            return x + self.fixed(x)

    with pytest.raises(LayerError, match="layer 'fixed' does not depend on the image"):
        erf.theoretical_field(Model(), "fixed", image_size=(4, 4), channels=1)


class Undecided(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return y if float(y.abs().nan_to_num().sum()) > 0 else -y


def test_nan_probing_where_export_is_impossible():
    with pytest.raises(ExportError, match="method='nan'"):
        erf.theoretical_field(Undecided(), "conv", image_size=(17, 15))
    field = erf.theoretical_field(Undecided(), "conv", image_size=(17, 15), method="nan")
    assert (field.size, field.stride, field.padding) == ((3, 3), (2, 2), (0, 0))
    assert field.box((2, 1)) == Box(4, 2, 7, 5)
    with pytest.raises(SettingError, match="NaN probing finds boxes, not supports"):
        field.support((0, 0))
    with pytest.raises(SettingError, match="clipped must be True"):
        field.box((0, 0), clipped=False)


def test_nan_probing_says_when_the_image_is_too_small():
    model = nn.Sequential(nn.Conv2d(3, 2, 9, padding=4))
    field = erf.theoretical_field(model, "0", image_size=(8, 8), method="nan")
    assert field.reasons == ("all fields reach the border: size is a lower bound",)


def test_nan_probing_refuses_layers_that_are_nan_anyway():
    class Broken(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x / 0 - x / 0

    with pytest.raises(LayerError, match="is NaN on a clean image"):
        nan_boxes(nn.Sequential(Broken()), "0", (8, 8))


def test_another_method():
    with pytest.raises(SettingError, match="method 'guess' is neither graph nor nan"):
        erf.theoretical_field(dilated(), "0", method="guess")


def test_probing_one_unit_finds_its_box():
    model = nn.Sequential(nn.Conv2d(3, 2, 5, stride=2), nn.MaxPool2d(3, 2))
    whole = nan_boxes(model, "1", (31, 29))
    assert (nan_boxes(model, "1", (31, 29), unit=(2, 3))[2, 3] == whole[2, 3]).all()


def test_disagreement_is_put_into_words():
    model = nn.Sequential(nn.Conv2d(3, 2, 3))
    field = erf.theoretical_field(model, "0", image_size=(9, 9))
    assert disagreement(model, field) is None
    assert disagreement(model, field, (3, 3)) is None
    other = nn.Sequential(nn.Conv2d(3, 2, 3, dilation=2, padding=1))
    words = "unit 0,0 reads rows 1..3, columns 1..3, not rows 0..2, columns 0..2"
    assert disagreement(other, field) == words


def test_the_graph_is_kept_until_the_model_changes():
    model = nn.Sequential(nn.Conv2d(3, 2, 3))
    assert erf.theoretical_field(model, "0", image_size=(9, 9)).size == (3, 3)
    model[0].dilation = (2, 2)
    assert erf.theoretical_field(model, "0", image_size=(9, 9)).size == (5, 5)
    model[0] = nn.Conv2d(3, 2, 1)
    assert erf.theoretical_field(model, "0", image_size=(9, 9)).size == (1, 1)


def test_table_as_csv_and_json():
    model = nn.Sequential(nn.Conv2d(3, 2, (3, 5), stride=(1, 2)), nn.AdaptiveAvgPool2d(1))
    table = erf.theory(model, image_size=(20, 30))
    assert table.to_csv().splitlines() == [
        "layer,kind,units_rows,units_cols,size_rows,size_cols,stride_rows,stride_cols,"
        "padding_rows,padding_cols,status,reasons",
        "0,Conv2d,18,13,3,5,1,2,0,0,exact,",
        "1,AdaptiveAvgPool2d,1,1,20,29,,,,,exact,",
    ]
    data = json.loads(table.to_json())
    assert data["image_size"] == [20, 30]
    assert data["layers"][0]["stride_cols"] == 2
    assert data["layers"][1]["stride_cols"] is None
    assert [row.layer for row in table] == ["0", "1"]
    assert len(table) == 2
    assert table["0"].size == (3, 5)


def test_cubic_interpolation_where_the_size_stays():
    network = RandomNetwork(nn.Sequential(nn.Upsample(size=(3, 8), mode="bicubic")), 1, (8, 8))
    field = erf.theoretical_field(network.model, "0", image_size=(8, 8), channels=1)
    for unit in ((0, 0), (1, 4), (2, 7)):
        np.testing.assert_array_equal(field.support(unit), pixels_read(network, "0", unit))
