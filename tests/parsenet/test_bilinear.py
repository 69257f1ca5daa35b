import pytest
import torch
from torch.nn import functional

from parsenet.bilinear import BilinearDeconvolution, bilinear_taps


def test_taps_of_the_released_network() -> None:
    rising = [0.0625, 0.1875, 0.3125, 0.4375, 0.5625, 0.6875, 0.8125, 0.9375]
    assert bilinear_taps(16).tolist() == rising + rising[::-1]


def test_taps_of_fcns_twofold_deconvolution() -> None:
    assert bilinear_taps(4).tolist() == [0.25, 0.75, 0.75, 0.25]


def test_taps_of_an_odd_kernel_peak_at_its_middle() -> None:
    torch.testing.assert_close(
        bilinear_taps(5), torch.tensor([1, 2, 3, 2, 1], dtype=torch.float64) / 3
    )


@pytest.mark.parametrize("factor", [2, 4, 8, 16, 32])
def test_deconvolution_interpolates_away_from_the_border(factor: int) -> None:
    x = torch.randn(2, 3, 5, 6)
    layer = BilinearDeconvolution(3, factor, padding=factor // 2, bias=True, trainable=True)
    inner = (..., slice(factor, -factor), slice(factor, -factor))
    expected = functional.interpolate(x, scale_factor=factor, mode="bilinear")
    assert layer(x).shape == expected.shape
    torch.testing.assert_close(layer(x)[inner], expected[inner])


def test_released_deconvolution_has_a_trainable_bias_and_one_filter_per_class() -> None:
    layer = BilinearDeconvolution(21, 8, padding=4, bias=True, trainable=True)
    assert {name: (*p.shape,) for name, p in layer.named_parameters()} == {
        "weight": (21, 1, 16, 16),
        "bias": (21,),
    }
    assert all(p.requires_grad for p in layer.parameters())
    assert not layer.bias.any()


def test_fixed_deconvolution_is_not_trained() -> None:
    layer = BilinearDeconvolution(4, 2, padding=0, bias=False, trainable=False)
    assert layer.bias is None
    assert not layer.weight.requires_grad
