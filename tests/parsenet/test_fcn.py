import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from parsenet import build

NAMES = ("fcn32s", "fcn16s", "fcn8s")
torch.manual_seed(0)
NETS = {name: build(name, classes=3, width=1 / 64).eval() for name in NAMES}


def upsample(score: Tensor, factor: int) -> Tensor:
    """Bilinear deconvolution without padding, written as a sum over shifted copies."""
    kernel = 2 * factor
    taps = torch.tensor([1 - abs(i - (factor - 0.5)) / factor for i in range(kernel)])
    n, c, h, w = score.shape
    out = torch.zeros(n, c, (h - 1) * factor + kernel, (w - 1) * factor + kernel)
    for row in range(h):
        for col in range(w):
            patch = score[:, :, row, col, None, None] * torch.outer(taps, taps)
            out[:, :, row * factor :, col * factor :][:, :, :kernel, :kernel] += patch
    return out


def reference(name: str, net: nn.Module, image: Tensor) -> Tensor:
    """FCN as its reference networks are drawn, with their crop offsets in numbers."""
    blobs = net.trunk(image, "pool3", "pool4", "fc7")
    state = net.state_dict()

    def scored(layer: str, blob: Tensor) -> Tensor:
        return functional.conv2d(blob, state[f"{layer}.weight"], state[f"{layer}.bias"])

    def cut(x: Tensor, offset: int, like: Tensor) -> Tensor:
        return x[..., offset:, offset:][..., : like.shape[-2], : like.shape[-1]]

    score = scored("score_fr", blobs["fc7"])
    if name == "fcn32s":
        return cut(upsample(score, 32), 19, image)
    score = upsample(score, 2)
    score = score + cut(scored("score_pool4", blobs["pool4"]), 5, score)
    if name == "fcn16s":
        return cut(upsample(score, 16), 27, image)
    score = upsample(score, 2)
    score = score + cut(scored("score_pool3", blobs["pool3"]), 9, score)
    return cut(upsample(score, 8), 31, image)


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_those_of_the_reference_network(name: str) -> None:
    image = torch.randn(2, 3, 75, 110)
    with torch.no_grad():
        expected = reference(name, NETS[name], image)
        torch.testing.assert_close(NETS[name](image), expected, rtol=1e-4, atol=1e-5)
    assert expected.std() > 0.01


@pytest.mark.parametrize("name", NAMES)
@given(height=st.integers(1, 90), width=st.integers(1, 90))
@settings(max_examples=15, deadline=None)
def test_scores_have_the_size_of_the_image(name: str, height: int, width: int) -> None:
    with torch.no_grad():
        score = NETS[name](torch.zeros(1, 3, height, width))
    assert score.shape == (1, 3, height, width)


def test_geometry_of_the_reference_network() -> None:
    net = NETS["fcn32s"]
    assert net.conv1_1.conv.padding == (100, 100)
    assert (net.fc6.conv.kernel_size, net.fc6.conv.padding) == ((7, 7), (0, 0))
    sizes = net.trunk(torch.zeros(1, 3, 500, 500), "pool5", "fc7")
    assert (sizes["pool5"].shape[-1], sizes["fc7"].shape[-1]) == (22, 16)


def test_parameters_of_fcn8s() -> None:
    with torch.device("meta"):
        net = build("fcn8s", classes=21)
    trained = sum(p.numel() for p in net.parameters() if p.requires_grad)
    scores = 21 * (4096 + 512 + 256) + 3 * 21
    assert trained == 14_714_688 + 102_764_544 + 16_781_312 + scores


@pytest.mark.parametrize("name", NAMES)
def test_deconvolutions_are_fixed_and_without_bias(name: str) -> None:
    layers = [m for m in NETS[name].modules() if isinstance(m, nn.ConvTranspose2d)]
    assert layers
    assert not any(p.requires_grad for layer in layers for p in layer.parameters())
    assert all(layer.bias is None for layer in layers)
