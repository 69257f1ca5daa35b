"""Tiles against the whole image, in double precision: equal where kept, and no further."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import convnext_tiny, segmentation

import erf
from erf.tiles.axis import Period, find_period

SIZE, TILE = (120, 96), 48


def conv(inputs, outputs, kernel=3, **more):
    more = {"padding": kernel // 2} | more
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, **more), nn.Tanh())


class UNet(nn.Module):
    """Two levels down and up; how it pads and how it goes up is chosen."""

    def __init__(self, up, padding_mode="zeros"):
        super().__init__()
        kind = {"padding_mode": padding_mode}
        self.first, self.second = conv(3, 4, **kind), conv(4, 8, **kind)
        self.deep, self.third = conv(8, 8, **kind), conv(16, 8, **kind)
        self.last = conv(12, 4, **kind)
        wide = {"output_padding": 1} if up == "transposed 3" else {}
        kernel = 3 if up == "transposed 3" else 2
        self.ups = nn.ModuleList(
            [
                nn.ConvTranspose2d(8, 8, kernel, 2, padding=kernel - 2, **wide)
                if up.startswith("transposed")
                else nn.Sequential(nn.Conv2d(8, 32, 1), nn.PixelShuffle(2))
                if up == "shuffle"
                else nn.Upsample(scale_factor=2, **eval(f"dict({up})"))
                for _ in range(2)
            ]
        )

    def forward(self, x):
        first = self.first(x)
        second = self.second(F.max_pool2d(first, 2))
        deep = self.ups[0](self.deep(F.avg_pool2d(second, 2)))
        third = self.ups[1](self.third(torch.cat([second, deep], 1)))
        return self.last(torch.cat([first, third], 1))


class Atrous(nn.Module):
    """DeepLab's head without image pooling, on a stride of four, up again by bilinear sampling."""

    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(conv(3, 8, stride=2), conv(8, 8, stride=2))
        self.branches = nn.ModuleList(
            [conv(8, 4, 1)] + [conv(8, 4, padding=rate, dilation=rate) for rate in (2, 3)]
        )
        self.last = nn.Conv2d(12, 4, 1)

    def forward(self, x):
        deep = self.trunk(x)
        found = self.last(torch.cat([branch(deep) for branch in self.branches], 1))
        return F.interpolate(found, size=x.shape[-2:], mode="bilinear", align_corners=False)


class Pyramid(nn.Module):
    """ConvNeXt's first blocks under a pyramid of features, as UPerNet has without its pooling."""

    def __init__(self):
        super().__init__()
        features = convnext_tiny(weights=None).features
        self.stem, self.block, self.down = features[0], features[1][0], features[2]
        self.block.layer_scale.data.fill_(1)  # else its block changes the sum by a millionth
        self.side, self.deep = nn.Conv2d(96, 4, 1), nn.Conv2d(192, 4, 1)
        self.last = conv(4, 4)

    def forward(self, x):
        first = self.block(self.stem(x))
        up = F.interpolate(self.deep(self.down(first)), size=first.shape[-2:], mode="bilinear")
        merged = self.last(self.side(first) + up)
        return F.interpolate(merged, scale_factor=4, mode="bilinear")


class Head(nn.Module):
    """Of a segmentation model, the output alone."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x)["out"]


NETWORKS = {
    "one convolution": lambda: conv(3, 4, 5),
    "a kernel of even size": lambda: nn.Conv2d(3, 4, 4, padding=1),
    "valid and dilated": lambda: nn.Sequential(
        conv(3, 4, 5, padding=0), conv(4, 4, padding=0, dilation=2)
    ),
    "strides": lambda: nn.Sequential(conv(3, 4, stride=2), conv(4, 4, stride=2)),
    "a stride of three": lambda: nn.Sequential(conv(3, 4, 5, stride=3), conv(4, 4)),
    "rows unlike columns": lambda: nn.Conv2d(3, 4, (7, 1), stride=(2, 1), padding=(3, 0)),
    "ceil mode": lambda: nn.Sequential(conv(3, 4), nn.MaxPool2d(3, 2, ceil_mode=True)),
    "transposed, odd phase": lambda: nn.Sequential(
        conv(3, 4, stride=2), nn.ConvTranspose2d(4, 4, 3, 2, padding=1, output_padding=1)
    ),
    "transposed, units that read nothing": lambda: nn.Sequential(
        nn.Conv2d(3, 4, 1, 2), nn.ConvTranspose2d(4, 4, 1, 2)
    ),
    "super-resolution": lambda: nn.Sequential(conv(3, 4), nn.Conv2d(4, 8, 1), nn.PixelShuffle(2)),
    "unshuffled": lambda: nn.Sequential(nn.PixelUnshuffle(4), nn.Conv2d(48, 4, 3, padding=1)),
    "nearest": lambda: UNet("mode='nearest'"),
    "bilinear": lambda: UNet("mode='bilinear'"),
    "bicubic": lambda: UNet("mode='bicubic'"),
    "transposed": lambda: UNet("transposed"),
    "transposed 3": lambda: UNet("transposed 3"),
    "shuffle": lambda: UNet("shuffle"),
    "reflected": lambda: UNet("mode='nearest'", "reflect"),
    "replicated": lambda: UNet("mode='bilinear'", "replicate"),
    "deeplab without image pooling": Atrous,
    "a pyramid on convnext": Pyramid,
    "convnext's first block": lambda: nn.Sequential(
        convnext_tiny(weights=None).features[0], convnext_tiny(weights=None).features[1][0]
    ),
}


LARGE = ("deeplab without image pooling", "a pyramid on convnext")
"""Networks whose fields need larger tiles."""


def made(name):
    torch.manual_seed(0)
    return NETWORKS[name]().double().eval()


@pytest.mark.parametrize("name", NETWORKS)
def test_tiles_give_the_whole_image_and_no_unit_more_would(name):
    model = made(name)
    size, side = ((208, 160), 96) if name in LARGE else (SIZE, TILE)
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
    wrong = (tile - there).abs().amax(dim=0) > 1e-9 * whole.abs().max()
    rows, cols = (slice(axis.dropped, axis.kept) for axis in (plan.rows, plan.cols))
    assert not wrong[rows, cols].any()
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


class Rolled(nn.Module):
    def forward(self, x):
        return torch.roll(x, 5, dims=2)


REFUSED = {
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
        r"is not the same everywhere, from '0' \(Aligned\) on",
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
