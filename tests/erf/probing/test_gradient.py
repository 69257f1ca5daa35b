import itertools
import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import sem
from torch import Tensor, nn
from torch.nn.functional import conv2d
from torchvision.models import vgg16
from torchvision.models.vgg import make_layers

import erf
from erf import gradient_field
from erf.errors import LayerError, SettingError, UnitError
from erf.geometry import Box
from erf.measures import (
    Cells,
    above_share_of_peak,
    jackknife_intervals,
    mass_area,
    measure,
    moments,
)
from erf.stimulus import Canvas, change_patches


def side(field: np.ndarray) -> float:
    """Luo's size: square root of the number of pixels above 4.55 % of the peak."""
    return math.sqrt(above_share_of_peak(field, Cells.of_pixels(field.shape).areas))


def stack(depth: int, *, channels: int = 1, dilation: int = 1) -> nn.Sequential:
    """3x3 convolutions without bias, the last to one channel."""
    widths = [1, *[channels] * (depth - 1), 1]
    return nn.Sequential(
        *(
            nn.Conv2d(a, b, 3, padding=dilation, dilation=dilation, bias=False)
            for a, b in itertools.pairwise(widths)
        )
    ).double()


def uniform(model: nn.Module) -> nn.Module:
    for weight in model.parameters():
        nn.init.constant_(weight, 1 / 9)
    return model


def field_of(model: nn.Module, size: int, reduce: str = "absolute") -> np.ndarray:
    layer = list(dict(model.named_modules()))[-1]
    image = torch.randn(1, size, size, generator=torch.Generator().manual_seed(0)).double()
    return gradient_field(model, image, layer, channel=0, reduce=reduce, theory=False).discrepancy


@pytest.mark.parametrize(("depth", "size"), [(5, 8.307), (10, 11.705), (20, 16.155), (40, 22.738)])
def test_luo_uniform_kernels(depth: int, size: float) -> None:
    field = field_of(uniform(stack(depth)), 2 * depth + 21)
    assert side(field) == pytest.approx(size, abs=5e-4)
    axis = np.arange(len(field)) - len(field) // 2
    profile = field.sum(axis=1) / field.sum()
    assert profile @ axis**2 == pytest.approx(2 * depth / 3)


def random_stack(depth: int, channels: int) -> nn.Sequential:
    """Like `stack`, but as wide at the image, with weights of the law that keeps the scale.

    Each colour of the image has its own first weights: one net shows as many fields as colours.
    """
    layers = (
        nn.Conv2d(channels, 1 if last else channels, 3, padding=1, bias=False)
        for last in [False] * (depth - 1) + [True]
    )
    model = nn.Sequential(*layers)
    for weight in model.parameters():
        nn.init.normal_(weight, std=1 / math.sqrt(9 * channels))
    return model


def mean_square(depth: int, nets: int, channels: int = 24) -> np.ndarray:
    """Mean squared gradient of nets of random weights."""
    image = torch.zeros(channels, 2 * depth + 5, 2 * depth + 5)
    total = np.zeros(image.shape[1:])
    for _ in range(nets):
        model = random_stack(depth, channels)
        total += gradient_field(
            model, image, str(depth - 1), channel=0, reduce="squared", theory=False
        ).discrepancy
    # The law of the weights is the same when an image is turned or mirrored.
    return np.mean([np.rot90(each, k) for each in (total, total.T) for k in range(4)], axis=0)


@pytest.mark.parametrize(
    ("depth", "size"),
    [
        (5, 10.440),
        (10, 15.524),
        (20, 22.738),
        pytest.param(40, 31.953, marks=pytest.mark.slow),
    ],
)
def test_luo_random_weights(depth: int, size: float) -> None:
    """Root mean square over nets of random weights, within its Monte-Carlo error."""
    # Independent weights of mean 0: expected squared gradients are those of uniform kernels.
    expected = field_of(uniform(stack(depth)), 2 * depth + 5)
    assert side(np.sqrt(expected)) == pytest.approx(size, abs=5e-4)
    torch.manual_seed(depth)
    groups = [mean_square(depth, 4 if depth < 40 else 16) for _ in range(8)]
    found = side(np.sqrt(np.mean(groups, axis=0)))
    error = np.std([side(np.sqrt(each)) for each in groups], ddof=1) / math.sqrt(len(groups))
    assert error < 0.15
    # A field as symmetric as the square gains and loses pixels eight at a time.
    step = 8 / (2 * size)
    assert found == pytest.approx(size, abs=max(step, 3 * error))


def test_growth_with_the_square_root_of_depth() -> None:
    """Uniform kernels; the root of the map is the expectation of random ones."""
    depths = np.array([5, 10, 20, 40])
    fields = [field_of(uniform(stack(int(depth))), 2 * int(depth) + 21) for depth in depths]

    def exponent(sizes: list[float]) -> float:
        return float(np.polyfit(np.log(depths), np.log(sizes), 1)[0])

    spreads = [moments(field, Cells.of_pixels(field.shape)).major for field in fields]
    assert exponent(spreads) == pytest.approx(0.5)
    # A threshold's border is not yet the Gaussian's: short stacks end at their theoretical field.
    assert exponent([side(field) for field in fields]) == pytest.approx(0.5, abs=0.03)
    assert exponent([side(np.sqrt(field)) for field in fields]) == pytest.approx(0.5, abs=0.05)


class Skip(nn.Module):
    """x + conv(x), as often as there are convolutions."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.body = stack(depth)
        self.out = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.body:
            x = x + layer(x)
        return self.out(x)


def spread(model: nn.Module) -> float:
    """Standard deviation of the field: dilation leaves holes, which an area does not count."""
    field = field_of(uniform(model), 81)
    return moments(field, Cells.of_pixels(field.shape)).major


def test_dilation_and_subsampling_enlarge_and_skips_shrink() -> None:
    plain = spread(stack(10))
    assert plain == pytest.approx(math.sqrt(2 * 10 / 3))
    assert spread(stack(10, dilation=2)) == pytest.approx(2 * plain)
    coarse = stack(10)
    coarse[4].stride = (2, 2)
    # Five layers at one pixel a step, five at two pixels: 5 * 2/3 * (1 + 4).
    assert spread(coarse) == pytest.approx(math.sqrt(5 * 2 / 3 * 5))
    # Half of each layer's weight goes straight through.
    assert spread(Skip(10)) == pytest.approx(plain / math.sqrt(2))


def linear_net() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(3, 6, 5, padding=2), nn.AvgPool2d(2), nn.Conv2d(6, 4, 3, padding=1)
    ).double()


def squared_jacobian(model: nn.Module, image: Tensor, unit: tuple[int, int]) -> np.ndarray:
    """Sum over channels and colours of the squared derivative of every pixel."""
    jacobian = torch.autograd.functional.jacobian(
        lambda x: model(x[None])[0, :, unit[0], unit[1]], image
    )
    return jacobian.square().sum(dim=(0, 1)).numpy()


def box_sums(pixels: np.ndarray, result: erf.UnitResult) -> np.ndarray:
    """Sum over the pixels of each patch, by convolution with ones."""
    patch, stride = result.settings.patch, result.settings.step
    ones = torch.ones(1, 1, patch, patch, dtype=torch.float64)
    return conv2d(torch.from_numpy(pixels)[None, None], ones, stride=stride)[0, 0].numpy()


def test_closed_form_of_a_linear_net() -> None:
    """Mean squared discrepancy = sigma² times the box-filtered squared gradient."""
    model, image, sigma = linear_net(), torch.randn(3, 16, 16).double(), 0.3
    result = erf.probe(
        model, image, "2", unit=(4, 1), patch=4, stride=4, draws=300, sigma=sigma, engine="dense"
    )
    expected = sigma**2 * box_sums(squared_jacobian(model, image, (4, 1)), result)
    assert result.samples is not None
    squares = result.samples**2
    inside = expected > 0
    assert not squares[:, ~inside].any()
    error = squares.std(axis=0, ddof=1)[inside] / math.sqrt(len(squares))
    score = (squares.mean(axis=0)[inside] - expected[inside]) / error
    assert len(score) == 6
    assert np.abs(score).max() < 4
    assert squares.mean(axis=0).sum() == pytest.approx(expected.sum(), rel=0.02)


@pytest.mark.parametrize(
    ("reduce", "power"), [("absolute", Tensor.abs), ("squared", Tensor.square)]
)
def test_colours_add_up_after_they_lost_their_sign(
    reduce: str, power: Callable[..., Tensor]
) -> None:
    """One channel of a linear net: what autograd's Jacobian says, colour by colour."""
    model, image = linear_net(), torch.randn(3, 16, 16).double()
    jacobian = torch.autograd.functional.jacobian(lambda x: model(x[None])[0, 1, 4, 5], image)
    assert jacobian.min() < 0 < jacobian.max()
    found = gradient_field(model, image, "2", unit=(4, 5), channel=1, reduce=reduce, theory=False)
    np.testing.assert_allclose(found.discrepancy, power(jacobian).sum(0).numpy(), rtol=1e-12)


def test_projections_stand_for_all_channels() -> None:
    """Their mean squared gradient tends to the sum over channels of the squared gradients."""
    model, image = linear_net(), torch.randn(3, 24, 24).double()
    exact = squared_jacobian(model, image, (5, 6))
    found = gradient_field(model, image, "2", unit=(5, 6), reduce="squared", projections=2000)
    assert found.discrepancy.sum() == pytest.approx(exact.sum(), rel=0.05)
    assert np.corrcoef(found.discrepancy.ravel(), exact.ravel())[0, 1] > 0.99
    assert not found.discrepancy[exact == 0].any()


def narrow_vgg() -> nn.Module:
    """VGG-16's layers at an eighth of their width, down to conv5_3."""
    torch.manual_seed(0)
    widths = [8, 8, "M", 16, 16, "M", 32, 32, 32, "M", 64, 64, 64, "M", 64, 64, 64]
    model = make_layers(widths)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    return model.double()


def linear_response(
    jacobian: Tensor, image: Tensor, sigma: float, result: erf.UnitResult
) -> np.ndarray:
    """What the derivative (channels, colours, rows, cols) makes of each draw of each patch."""
    canvas = Canvas(image.float().numpy(), np.full((3, 1, 1), sigma, np.float32))
    draws, grid = np.arange(result.draws), result.grid
    linear = np.zeros((len(draws), len(grid)))
    for patch in range(len(grid)):
        noise = change_patches(
            "gaussian",
            canvas,
            grid,
            patches=np.full_like(draws, patch),
            draws=draws,
            seed=0,
            image=0,
        )
        under = jacobian[:, :, *grid.box(patch).slices()].double().numpy()
        change = np.einsum("kcij,dcij->dk", under, noise.astype(np.float64))
        linear[:, patch] = np.linalg.norm(change, axis=1)
    return linear


def test_noise_tends_to_the_gradient_as_it_gets_weaker() -> None:
    """On VGG-16's layers, for the very noise of each draw: what the gradient says of it."""
    model = narrow_vgg()
    image = torch.randn(3, 64, 64, generator=torch.Generator().manual_seed(1)).double()
    channel = int(model(image[None])[0, :, 2, 2].argmax())
    pixels = image.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(pixels[None])[0, channel, 2, 2], pixels)
    correlations = []
    for sigma in (3.0, 0.3, 1e-5):
        result = erf.probe(
            model, image, "28", unit=(2, 2), channel=channel, draws=3, sigma=sigma, engine="dense"
        )
        linear = linear_response(gradient[None], image, sigma, result).mean(axis=0)
        correlations.append(float(np.corrcoef(result.discrepancy.ravel(), linear)[0, 1]))
    assert correlations[-1] > 0.999_999
    assert correlations == sorted(correlations)


@pytest.mark.slow
def test_weak_noise_on_vgg_gives_the_box_filtered_gradient() -> None:
    """VGG-16 in full width, all channels of conv5_3, seen by the engine that propagates changes.

    Draw by draw against the derivative applied to the very noise, and on the mean over draws
    against the root of the box sums of squared gradients.
    """
    torch.manual_seed(0)
    model = vgg16(weights=None).features[:29].eval()
    image = torch.randn(3, 64, 64, generator=torch.Generator().manual_seed(1))
    jacobian = torch.autograd.functional.jacobian(lambda x: model(x[None])[0, :, 2, 2], image)
    correlations = []
    for sigma in (1.0, 1e-2, 1e-5):
        result = erf.probe(
            model, image, "28", unit=(2, 2), draws=100, sigma=sigma, engine="delta", batch_size=50
        )
        assert result.samples is not None
        linear = linear_response(jacobian, image, sigma, result)
        seen = result.samples.reshape(linear.shape)
        correlations.append(float(np.corrcoef(seen.ravel(), linear.ravel())[0, 1]))
    assert correlations == sorted(correlations)
    assert correlations[-1] > 0.999_99
    np.testing.assert_allclose(seen.mean(axis=0), linear.mean(axis=0), rtol=1e-3)
    gradient = box_sums(jacobian.double().square().sum(dim=(0, 1)).numpy(), result)
    squares = result.samples**2
    assert np.corrcoef(np.sqrt(squares.mean(axis=0)).flat, np.sqrt(gradient).flat)[0, 1] > 0.999
    error = squares.std(axis=0, ddof=1) / math.sqrt(len(squares))
    assert np.abs((squares.mean(axis=0) - sigma**2 * gradient) / error).max() < 4


def test_a_gradient_field_is_measured_like_any_other() -> None:
    model = linear_net()
    result = gradient_field(model, torch.randn(3, 64, 64).double(), "2", projections=6)
    found = measure(result)
    assert (found.patch, found.stride, found.draws) == (1, 1, 6)
    assert found.floor.source == "exact"
    # A projection is one event for the whole map: projections are left out one at a time.
    expected = jackknife_intervals(
        result.samples, {"area": partial(mass_area, areas=result.grid.areas)}
    )["area"]
    assert found.interval() == pytest.approx((expected.low, expected.high))
    assert "significant" not in {size.name for size in found.sizes}
    assert found.theory == Box(28, 28, 38, 38)
    assert found.center == (32.5, 32.5)
    assert found.share_of_theory is not None
    assert 0.5 < found.share_of_theory <= 1
    assert result.settings.method == "gradient"


def test_rectified_is_the_raw_map_of_replknet() -> None:
    """Positive part of the gradient of the sum of the rectified channels."""
    model, image = linear_net(), torch.randn(3, 32, 32).double().requires_grad_()
    out = model(image[None])
    torch.relu(out[:, :, out.shape[2] // 2, out.shape[3] // 2]).sum().backward()
    assert image.grad is not None
    expected = torch.relu(image.grad).sum(0).numpy()
    found = gradient_field(model, image.detach(), "2", reduce="rectified")
    np.testing.assert_allclose(found.discrepancy, expected, rtol=1e-12)
    assert found.samples is not None
    assert len(found.samples) == 1


def test_the_seed_decides_the_projections() -> None:
    model, image = linear_net(), torch.randn(3, 16, 16).double()
    one, same, other = (gradient_field(model, image, "2", seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.discrepancy, same.discrepancy)
    assert np.abs(one.discrepancy - other.discrepancy).max() > 0
    np.testing.assert_allclose(one.standard_error, sem(one.samples, axis=0))
    single = gradient_field(model, image, "2", channel=0)
    assert np.isnan(single.standard_error).all()


def test_the_model_comes_back_as_it_was() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout()
    )
    model[0].weight.requires_grad_(False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.train()
    model[1].eval()
    result = gradient_field(model, torch.randn(3, 16, 16), "1", channel=2)
    assert [module.training for module in model] == [True, False, True, True]
    assert not model[0].weight.requires_grad
    assert all(p.grad is None for p in model.parameters())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())
    assert torch.is_grad_enabled()
    assert result.discrepancy.any()


def test_a_layer_without_gradient_has_a_field_of_zeros() -> None:
    class Step(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 3)
            self.step = nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            return self.step((self.conv(x) > 0).float())

    result = gradient_field(Step(), torch.randn(3, 8, 8), "step", channel=0)
    assert not result.discrepancy.any()
    assert measure(result).summary == "hears nothing of the image"


def test_settings_out_of_range() -> None:
    model, image = linear_net(), torch.randn(3, 16, 16).double()
    with pytest.raises(SettingError, match="'signed' is none of absolute, squared, rectified"):
        gradient_field(model, image, "2", reduce="signed")
    with pytest.raises(SettingError, match="projections 0 must be at least 1"):
        gradient_field(model, image, "2", projections=0)
    with pytest.raises(UnitError, match="channel 4 is outside layer '2', which has 4 channels"):
        gradient_field(model, image, "2", channel=4)
    with pytest.raises(UnitError, match="'all' of layer '2' has no single gradient"):
        gradient_field(model, image, "2", unit="all")
    with pytest.raises(UnitError, match="unit 8,0 is outside layer '2', which has 8x8"):
        gradient_field(model, image, "2", unit=(8, 0))
    with pytest.raises(LayerError, match="layer 'fc9' is not one of"):
        gradient_field(model, image, "fc9")
