from itertools import pairwise

import pytest
import torch
from torch import nn
from torchvision.models.vgg import make_layers

from parsenet import VGG16, ModelError

POOLED = {32: (2, 2), 16: (2, 3), 8: (3, 3)}  # kernels of pool4 and pool5


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def meta(**options: object) -> VGG16:
    with torch.device("meta"):
        return VGG16(**options)


def test_parameters_of_the_full_network() -> None:
    net = meta()
    convolutions = [m for name, m in net.named_children() if name.startswith("conv")]
    assert sum(map(count, convolutions)) == 14_714_688  # torchvision's vgg16().features
    assert (count(net.fc6), count(net.fc7)) == (102_764_544, 16_781_312)


def test_parameters_of_the_reduced_network() -> None:
    net = meta(fc6="reduced")
    assert (count(net.fc6), count(net.fc7)) == (4_719_616, 1_049_600)


@pytest.mark.parametrize("stride", [32, 16, 8])
def test_geometry_of_each_stride(stride: int) -> None:
    net = meta(stride=stride, fc6="reduced")
    assert (net.pool4.kernel_size, net.pool5.kernel_size) == POOLED[stride]
    expected = {32: (1, 3), 16: (1, 6), 8: (2, 12)}[stride]
    assert (net.conv5_3.conv.dilation[0], net.fc6.conv.dilation[0]) == expected
    assert net.conv5_1.conv.padding == (expected[0],) * 2
    assert net.fc6.conv.padding == (expected[1],) * 2
    assert net.grids["fc7"].stride == stride


@pytest.mark.parametrize(("stride", "dilation"), [(32, 1), (16, 2), (8, 4)])
def test_full_fc6_is_dilated_below_stride_32(stride: int, dilation: int) -> None:
    assert meta(stride=stride).fc6.conv.dilation == (dilation, dilation)


@pytest.mark.parametrize(
    ("stride", "sizes"),
    [(8, (250, 125, 63, 63, 63)), (16, (250, 125, 63, 32, 32)), (32, (250, 125, 63, 32, 16))],
)
def test_poolings_round_up(stride: int, sizes: tuple[int, ...]) -> None:
    names = [f"pool{number}" for number in range(1, 6)]
    net = meta(stride=stride, fc6="reduced")
    blobs = net.trunk(torch.empty(1, 3, 500, 500, device="meta"), *names)
    assert tuple(blobs[name].shape[-1] for name in names) == sizes


def test_width_scales_every_channel_count_and_nothing_else() -> None:
    full, narrow = meta(), meta(width=0.125)
    assert narrow.channels == {name: count // 8 for name, count in full.channels.items()}
    assert narrow.grids == full.grids


def test_at_least_one_channel_remains() -> None:
    assert min(meta(width=0.001).channels.values()) == 1


@pytest.mark.parametrize("batch_norm", [False, True])
def test_convolutions_compute_what_torchvisions_vgg16_computes(batch_norm: bool) -> None:
    """The same weights in torchvision's layers (which round down: so an even-sized image)."""
    net = VGG16(width=1 / 16, batch_norm=batch_norm).eval()
    wide = [4, 4, "M", 8, 8, "M", 16, 16, 16, "M", 32, 32, 32, "M", 32, 32, 32, "M"]
    theirs = make_layers(wide, batch_norm=batch_norm).eval()
    assert any(isinstance(m, nn.BatchNorm2d) for m in net.modules()) == batch_norm
    for source, target in zip(
        [m.conv for name, m in net.named_children() if "conv" in name],
        [m for m in theirs if isinstance(m, nn.Conv2d)],
        strict=True,
    ):
        target.weight.data = source.weight.data
        target.bias.data.zero_()
    image = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(net.trunk(image, "pool5")["pool5"], theirs(image))


def test_a_child_puts_out_the_blob_after_its_relu() -> None:
    net = VGG16(width=1 / 32, fc6="reduced").eval()
    seen: dict[str, torch.Tensor] = {}
    for name in ("conv5_3", "conv5_3.conv"):
        net.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, out, name=name: seen.__setitem__(name, out)
        )
    blobs = net.trunk(torch.randn(1, 3, 64, 64), "conv5_3")
    assert seen["conv5_3.conv"].min() < 0
    assert torch.equal(seen["conv5_3"], seen["conv5_3.conv"].relu())
    assert torch.equal(seen["conv5_3"], blobs["conv5_3"])


def test_dropout_follows_fc6_and_fc7_alone() -> None:
    rates = {
        name: module.p
        for name, module in meta(fc6="reduced").named_modules()
        if isinstance(module, nn.Dropout)
    }
    assert rates == {"fc6.dropout": 0.5, "fc7.dropout": 0.5}
    assert not any(isinstance(m, nn.Dropout) for m in meta(dropout=False).modules())


def test_activations_neither_vanish_nor_explode_at_the_start() -> None:
    torch.manual_seed(0)
    net = VGG16(width=0.25, fc6="reduced", stride=8).eval()
    with torch.no_grad():
        blobs = net.trunk(torch.randn(1, 3, 64, 64), *net.channels)
    scales = [blob.std().item() for blob in blobs.values()]
    assert all(0.3 < after / before < 3 for before, after in pairwise(scales))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stride": 4}, r"stride must be one of \(8, 16, 32\), not 4"),
        ({"fc6": "tiny"}, "fc6 must be 'full' or 'reduced', not 'tiny'"),
        ({"width": 0}, "width must be a number above 0 and up to 4, not 0"),
        ({"width": float("nan")}, "width must be .* not nan"),
        ({"width": "1"}, "width must be .* not '1'"),
    ],
)
def test_values_outside_the_geometry_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        VGG16(**options)
