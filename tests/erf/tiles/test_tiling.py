"""Tiles against the whole image, in double precision: equal where kept, and no further."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import segmentation

import erf
from erf.tiles.axis import Period, find_period
from strategies.tiled_networks import NETWORKS, UPerNet, ValidUNet, conv

SIZE, TILE = (120, 96), 48


LARGE = {
    "deeplab without image pooling": ((208, 160), 96),
    "upernet without pooling": ((512, 480), 416),
    "upernet with pools of some units": ((544, 512), 448),
}
"""Networks whose fields need larger images and tiles."""


class Head(nn.Module):
    """Of a segmentation model, the output alone."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x)["out"]


def made(name):
    torch.manual_seed(0)
    return NETWORKS[name]().double().eval()


FAINT = dict.fromkeys(("upernet without pooling", "upernet with pools of some units"), 1e-13)
"""Where the rim of a field moves a unit by less than the others' 1e-9: about 1e-11 there."""


@pytest.mark.parametrize("name", NETWORKS)
def test_tiles_give_the_whole_image_and_no_unit_more_would(name):
    model = made(name)
    size, side = LARGE.get(name, (SIZE, TILE))
    image = torch.randn(3, *size, dtype=torch.float64)
    plan = erf.tiling(model, image_size=size, tile=side)
    assert plan.status == "exact"
    with torch.no_grad():
        whole = model(image[None])[0]
    found = erf.tiled(model, image, plan)
    assert found.shape == whole.shape
    assert torch.allclose(found, whole, rtol=0, atol=1e-12 * whole.abs().max())
    # A tile inside: what is kept is all that is right.
    row, col = plan.step
    with torch.no_grad():
        tile = model(image[None, :, row : row + side, col : col + side])[0]
    down, right = plan.rows.period.units, plan.cols.period.units
    there = whole[:, down : down + tile.shape[1], right : right + tile.shape[2]]
    change = (tile - there).abs().amax(dim=0) / whole.abs().max()
    rows, cols = (slice(axis.dropped, axis.kept) for axis in (plan.rows, plan.cols))
    assert not (change[rows, cols] > 1e-13).any()
    wrong = change > FAINT.get(name, 1e-9)
    for axis, lines in ((plan.rows, wrong[:, cols].any(1)), (plan.cols, wrong[rows].any(0))):
        assert axis.dropped == 0 or lines[axis.dropped - 1]
        assert axis.kept == len(lines) or lines[axis.kept]


def test_every_unit_is_kept_once_and_tiles_start_in_phase():
    plan = erf.tiling(made("bilinear"), image_size=SIZE, tile=TILE)
    for axis in (plan.rows, plan.cols):
        pieces = axis.pieces
        kept = [unit for piece in pieces for unit in range(piece.first, piece.last)]
        assert kept == list(range(axis.units))
        assert all(piece.start % axis.period.pixels == 0 for piece in pieces)
        assert (pieces[0].start, pieces[-1].stop) == (0, axis.size)
    held = sum((r.stop - r.start) * (c.stop - c.start) for r, c in plan.pieces)
    assert plan.overhead == pytest.approx(held / (SIZE[0] * SIZE[1]) - 1)


def test_margins_are_those_of_a_closed_form():
    model = nn.Sequential(nn.Conv2d(3, 4, 5, padding=2), nn.Conv2d(4, 4, (3, 7), padding=(1, 3)))
    plan = erf.tiling(model, image_size=SIZE, tile=TILE)
    assert plan.margins == (3, 5, 3, 5)
    assert plan.step == (1, 1)
    valid = erf.tiling(nn.Conv2d(3, 4, 9), image_size=SIZE, tile=(TILE, 1000))
    assert valid.margins == (4, 0, 4, 0)
    assert valid.tile == (TILE, SIZE[1])


def test_the_unet_of_2015_loses_92_pixels_at_each_side():
    """Of 572 pixels it gives 388 (Ronneberger, Fischer, Brox 2015), and four times halves."""
    torch.manual_seed(0)
    model, size = ValidUNet(4).double(), (668, 620)
    plan = erf.tiling(model, image_size=size, tile=572)
    assert plan.margins == (92, 92, 92, 92)
    assert plan.step == (16, 16)
    assert plan.rows.kept - plan.rows.dropped == 388
    image = torch.randn(3, *size, dtype=torch.float64)
    with torch.no_grad():
        whole = model(image[None])[0]
    assert torch.allclose(erf.tiled(model, image, plan), whole, rtol=0, atol=1e-12)


def test_margins_of_ones_own_are_at_least_so_wide():
    plan = erf.tiling(made("nearest"), image_size=SIZE, tile=TILE)
    wider = plan.with_margin(17)
    assert wider.margins == (17, 17, 17, 17)
    assert wider.sufficient
    assert not plan.with_margin(3).sufficient
    strided = erf.tiling(made("strides"), image_size=SIZE, tile=TILE).with_margin(9)
    assert all(9 <= margin < 13 for margin in strided.margins)


def test_a_layer_inside_is_tiled_too():
    model, image = made("nearest"), torch.randn(3, *SIZE, dtype=torch.float64)
    plan = erf.tiling(model, "deep", image_size=SIZE, tile=TILE)
    whole = erf.Subject(model, image).observe(["deep"])["deep"]
    assert torch.allclose(erf.tiled(model, image, plan), whole, rtol=0, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fcn_resnet50", "deeplabv3_mobilenet_v3_large"])
def test_networks_of_full_depth(name):
    torch.manual_seed(0)
    model = Head(getattr(segmentation, name)(weights=None, weights_backbone=None)).double().eval()
    size = (704, 640)
    if name.startswith("deeplab"):
        with pytest.raises(erf.TilingError, match=r"whole image, by aten\.adaptive_avg_pool2d"):
            erf.tiling(model, image_size=size, tile=512)
        return
    image = torch.randn(3, *size, dtype=torch.float64)
    plan = erf.tiling(model, image_size=size, tile=512)
    with torch.no_grad():
        whole = model(image[None])[0]
    assert torch.allclose(erf.tiled(model, image, plan), whole, rtol=0, atol=1e-11)


class Aligned(nn.Module):
    def forward(self, x):
        half = F.interpolate(x, scale_factor=0.5, mode="bilinear", align_corners=True)
        return F.interpolate(half, scale_factor=2, mode="bilinear", align_corners=True)


class Hidden(nn.Module):
    """What is pooled by twos lies within what the convolution reads: fields do not show it."""

    def __init__(self, pool):
        super().__init__()
        self.wide, self.pool = nn.Conv2d(3, 3, 8, padding=4), pool

    def forward(self, x):
        return self.wide(x)[:, :, :-1, :-1] + F.interpolate(self.pool(self.pool(x)), scale_factor=4)


@pytest.mark.parametrize("pool", [nn.MaxPool2d(2), lambda x: F.max_pool2d(x, 2)])
def test_strides_count_that_fields_do_not_show(pool):
    torch.manual_seed(0)
    model, image = Hidden(pool).double(), torch.randn(3, 44, 44, dtype=torch.float64)
    plan = erf.tiling(model, image_size=(44, 44), tile=20)
    assert plan.step == (4, 4)
    with torch.no_grad():
        whole = model(image[None])[0]
    assert torch.allclose(erf.tiled(model, image, plan), whole, rtol=0, atol=1e-12)


class Rolled(nn.Module):
    def forward(self, x):
        return torch.roll(x, 5, dims=2)


REFUSED = {
    "upernet with its pooling": (
        lambda: UPerNet(*(nn.AdaptiveAvgPool2d(size) for size in (1, 2, 3, 6))),
        r"every unit of 'output' reads the whole image, by aten\.adaptive_avg_pool2d",
    ),
    "upernet with pools of parts of the image": (
        lambda: UPerNet(*(nn.AdaptiveAvgPool2d(size) for size in (2, 3, 6))),
        r"is not the same everywhere, from '/upsample_bilinear2d#1' on",
    ),
    "rolled around": (Rolled, r"units of 'output' at the border read what no tile .* holds"),
    "normalised over the image": (
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.InstanceNorm2d(4)),
        r"every unit of 'output' reads the whole image, by aten\.instance_norm",
    ),
    "pooled": (
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1)),
        r"every unit of 'output' reads the whole image, by aten\.adaptive_avg_pool2d",
    ),
    "around the border": (
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular")),
        r"read from the other side of the image, from '0' \(Conv2d\) on",
    ),
    "corners that coincide": (
        lambda: nn.Sequential(Aligned()),
        r"is not the same everywhere, from '0/upsample_bilinear2d' on",
    ),
    "too small": (
        lambda: nn.Conv2d(3, 4, 63, padding=31),
        r"a tile of 48 px is too small: .* the smallest that will do has 63 px",
    ),
    "larger than the image": (
        lambda: nn.Conv2d(3, 4, 201, padding=100),
        r"a tile of 48 px is too small: .* the smallest that will do has 120 px",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_overlap_makes_equal_is_refused_with_its_cause(name):
    build, words = REFUSED[name]
    with pytest.raises(erf.TilingError, match=words):
        erf.tiling(build(), image_size=SIZE, tile=TILE)


def test_a_step_that_fills_a_tile_is_put_down_to_its_layer():
    halves = nn.Sequential(conv(3, 4), nn.AdaptiveAvgPool2d(2), nn.Upsample(scale_factor=48))
    with pytest.raises(erf.TilingError, match=r"step of 60 px; .* that of '1' \(AdaptiveAvgPool2d"):
        erf.tiling(halves, image_size=SIZE, tile=TILE)


def test_the_smallest_tile_that_is_named_will_do():
    model = nn.Conv2d(3, 4, 63, padding=31)
    assert erf.tiling(model, image_size=SIZE, tile=63).margins == (31, 31, 31, 31)
    with pytest.raises(erf.TilingError, match="63 px"):
        erf.tiling(model, image_size=SIZE, tile=62)


def test_a_size_that_the_model_refuses_is_named_with_one_that_fits():
    with pytest.raises(erf.TilingError, match=r"a tile of 46x46 px; .* multiples of 4 and 4 fit"):
        erf.tiling(made("nearest"), image_size=SIZE, tile=46)
    with pytest.raises(erf.SettingError, match=r"tile \(0, 0\) must be at least 1"):
        erf.tiling(made("nearest"), image_size=SIZE, tile=0)
    plan = erf.tiling(made("nearest"), image_size=SIZE, tile=TILE)
    with pytest.raises(erf.SettingError, match=r"image of 64x64 px: .* planned for 120x96"):
        erf.tiled(made("nearest"), torch.zeros(3, 64, 64), plan)


def test_the_model_is_handed_back_as_found():
    model = nn.Sequential(conv(3, 4), nn.BatchNorm2d(4)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    plan = erf.tiling(model, image_size=SIZE, tile=TILE)
    erf.tiled(model, torch.randn(3, *SIZE), plan)
    assert all(module.training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_period_is_one_of_the_strides_before_too():
    model = nn.Sequential(nn.Conv2d(3, 4, 1, stride=4), nn.Upsample(scale_factor=4))
    spans, _ = erf.theoretical_field(model, "1", image_size=(32, 32)).spans(clipped=False)
    assert find_period(spans, ()) == Period(4, 4)
    assert find_period(spans, (8,)) == Period(8, 8)
    assert find_period(spans[:4], ()) is None
