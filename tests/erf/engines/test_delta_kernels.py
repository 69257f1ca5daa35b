"""Every kernel against 60 digits of arithmetic, for changes far below the rounding of `b`."""

from __future__ import annotations

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import torch
from torch import Tensor

from erf.engines.delta import kernels

mpmath.mp.dps = 60


def _relu(x: mpmath.mpf) -> mpmath.mpf:
    return max(x, mpmath.mpf(0))


def _clip(x: mpmath.mpf, low: float, high: float) -> mpmath.mpf:
    return min(max(x, mpmath.mpf(low)), mpmath.mpf(high))


def _sigmoid(x: mpmath.mpf) -> mpmath.mpf:
    return 1 / (1 + mpmath.exp(-x))


def _elu(x: mpmath.mpf) -> mpmath.mpf:
    return x if x > 0 else mpmath.mpf(1.5) * mpmath.expm1(x)


def _tanh_gelu(x: mpmath.mpf) -> mpmath.mpf:
    inner = mpmath.sqrt(2 / mpmath.pi) * (x + mpmath.mpf("0.044715") * x**3)
    return x / 2 * (1 + mpmath.tanh(inner))


Kernel = Callable[[Tensor, Tensor], Tensor]
ANYWHERE: dict[str, tuple[Kernel, Callable[[mpmath.mpf], mpmath.mpf]]] = {
    "relu": (kernels.change_of_relu, _relu),
    "relu6": (lambda d, b: kernels.change_of_clamp(d, b, 0, 6), lambda x: _clip(x, 0, 6)),
    "clamp_max": (lambda d, b: kernels.change_of_clamp(d, b, high=1), lambda x: min(x, 1)),
    "leaky_relu": (
        lambda d, b: kernels.change_of_leaky_relu(d, b, 0.25),
        lambda x: x if x > 0 else x / 4,
    ),
    "abs": (kernels.change_of_abs, abs),
    "hardsigmoid": (kernels.change_of_hardsigmoid, lambda x: _clip(x / 6 + 0.5, 0, 1)),
    "hardswish": (kernels.change_of_hardswish, lambda x: x * _clip(x / 6 + 0.5, 0, 1)),
    "sigmoid": (kernels.change_of_sigmoid, _sigmoid),
    "tanh": (kernels.change_of_tanh, mpmath.tanh),
    "silu": (kernels.change_of_silu, lambda x: x * _sigmoid(x)),
    "softplus": (
        lambda d, b: kernels.change_of_softplus(d, b, 2.0),
        lambda x: mpmath.log1p(mpmath.exp(2 * x)) / 2,
    ),
    "elu": (lambda d, b: kernels.change_of_elu(d, b, 1.5), _elu),
    "gelu": (kernels.change_of_gelu, lambda x: x * mpmath.ncdf(x)),
    "gelu_tanh": (lambda d, b: kernels.change_of_gelu(d, b, "tanh"), _tanh_gelu),
    "exp": (kernels.change_of_exp, mpmath.exp),
    "square": (lambda d, b: kernels.change_of_power(d, b, 2), lambda x: x**2),
    "cube": (lambda d, b: kernels.change_of_power(d, b, 3), lambda x: x**3),
}
POSITIVE: dict[str, tuple[Kernel, Callable[[mpmath.mpf], mpmath.mpf]]] = {
    "sqrt": (kernels.change_of_sqrt, mpmath.sqrt),
    "rsqrt": (kernels.change_of_rsqrt, lambda x: 1 / mpmath.sqrt(x)),
    "reciprocal": (kernels.change_of_reciprocal, lambda x: 1 / x),
    "log": (kernels.change_of_log, mpmath.log),
    "power": (
        lambda d, b: kernels.change_of_power(d, b, 1.7),
        lambda x: x ** mpmath.mpf(1.7),
    ),
    "inverse_power": (
        lambda d, b: kernels.change_of_power(d, b, -1.5),
        lambda x: x ** mpmath.mpf(-1.5),
    ),
    "inverse_square": (lambda d, b: kernels.change_of_power(d, b, -2), lambda x: x**-2),
}


def _samples(dtype: torch.dtype, positive: bool) -> tuple[Tensor, Tensor]:
    """Clean values and changes from 1e-12 of the value to far beyond it, both signs."""
    generator = torch.Generator().manual_seed(7)
    b = 3 * torch.randn(40, generator=generator, dtype=torch.float64)
    scale = 10.0 ** torch.tensor([-12, -9, -7, -5, -3, -2, -1, -0.3, 0.0, 0.4, 1.0])
    d = scale.double()[:, None] * torch.randn(11, 40, generator=generator, dtype=torch.float64)
    if positive:
        b = b.abs() + 0.01
        d = torch.maximum(d, -0.9 * b)
    return d.to(dtype), b.to(dtype).expand(11, 40)


def _truth(f: Callable[[mpmath.mpf], mpmath.mpf], d: Tensor, b: Tensor) -> Tensor:
    pairs = zip(d.flatten().tolist(), b.flatten().tolist(), strict=True)
    values = [float(f(mpmath.mpf(y) + mpmath.mpf(x)) - f(mpmath.mpf(y))) for x, y in pairs]
    return torch.tensor(values, dtype=torch.float64).view(d.shape)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("name", [*ANYWHERE, *POSITIVE])
def test_kernel_keeps_every_digit_of_a_tiny_change(name: str, dtype: torch.dtype) -> None:
    kernel, f = (ANYWHERE | POSITIVE)[name]
    d, b = _samples(dtype, name in POSITIVE)
    truth = _truth(f, d, b)
    error = (kernel(d, b).double() - truth).abs()
    unit = torch.finfo(dtype).eps
    # What the product rule may lose where its two terms cancel is a rounding of the change itself.
    allowed = 20 * unit * truth.abs() + 12 * unit * d.double().abs() * (1 + b.double().abs())
    if name == "gelu":
        allowed += 1e-7 * d.double().abs() if dtype == torch.float32 else 1e-13
    assert bool((error <= allowed).all()), float((error / allowed.clamp(min=1e-300)).max())


@pytest.mark.parametrize("name", [*ANYWHERE, *POSITIVE])
def test_no_change_gives_exactly_none(name: str) -> None:
    kernel, _ = (ANYWHERE | POSITIVE)[name]
    b = torch.linspace(0.01, 9, 64) if name in POSITIVE else torch.linspace(-9, 9, 64)
    assert bool((kernel(torch.zeros_like(b), b) == 0).all())


@pytest.mark.parametrize("name", list(ANYWHERE))
def test_extreme_values_stay_finite(name: str) -> None:
    kernel, f = ANYWHERE[name]
    b = torch.tensor([-200.0, 60.0, -60.0, 0.0, 0.0], dtype=torch.float32)
    d = torch.tensor([260.0, -120.0, 1e-30, 60.0, -60.0], dtype=torch.float32)
    truth = _truth(f, d, b)
    assert torch.allclose(kernel(d, b).double(), truth, rtol=2e-5, atol=1e-30)


def test_naive_difference_would_fail() -> None:
    """The measure above is sharp: float32 subtraction misses it by far."""
    d, b = _samples(torch.float32, positive=False)
    naive = torch.sigmoid(b + d) - torch.sigmoid(b)
    truth = _truth(_sigmoid, d, b)
    tiny = slice(0, 2)
    assert float(((naive.double() - truth).abs() / truth.abs())[tiny].median()) > 0.1


def _binary(name: str) -> tuple[Callable[..., Tensor], Callable[..., mpmath.mpf]]:
    return {
        "product": (kernels.change_of_product, lambda x, y: x * y),
        "division": (kernels.change_of_division, lambda x, y: x / y),
        "maximum": (kernels.change_of_maximum, max),
    }[name]


@pytest.mark.parametrize("name", ["product", "division", "maximum"])
def test_two_changing_operands(name: str) -> None:
    kernel, f = _binary(name)
    da, a = _samples(torch.float32, positive=False)
    dc, c = _samples(torch.float32, positive=True)
    dc, c = dc.flip(1), c.flip(1)
    exact = []
    for row in zip(*(t.flatten().tolist() for t in (da, a, dc, c)), strict=True):
        u, v, w, x = (mpmath.mpf(value) for value in row)
        exact.append(float(f(u + v, w + x) - f(v, x)))
    got = kernel(da, a, dc, c).double()
    terms = {
        "product": (a * dc).abs() + (da * (c + dc)).abs(),
        "division": (da.abs() + (a / c * dc).abs()) / (c + dc),
        "maximum": da.abs() + dc.abs(),
    }[name]
    error = (got - torch.tensor(exact, dtype=torch.float64).view(got.shape)).abs()
    assert float((error / terms.double()).max()) <= 1e-6


def _rows(scale: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    b = torch.randn(2, 5, 6, generator=generator, dtype=torch.float64)
    d = scale * torch.randn(2, 5, 6, generator=generator, dtype=torch.float64)
    return d.to(dtype), b.to(dtype)


def _exact_rows(f: Callable[[list[mpmath.mpf]], list[mpmath.mpf]], d: Tensor, b: Tensor) -> Tensor:
    rows = []
    for row_d, row_b in zip(d.reshape(-1, d.shape[-1]), b.reshape(-1, b.shape[-1]), strict=True):
        clean = [mpmath.mpf(x) for x in row_b.tolist()]
        moved = [x + mpmath.mpf(y) for x, y in zip(clean, row_d.tolist(), strict=True)]
        rows.append([float(x - y) for x, y in zip(f(moved), f(clean), strict=True)])
    return torch.tensor(rows, dtype=torch.float64).view(*d.shape[:-1], -1)


def _softmax(x: list[mpmath.mpf]) -> list[mpmath.mpf]:
    powers = [mpmath.exp(v) for v in x]
    return [v / sum(powers) for v in powers]


def _layer_norm(x: list[mpmath.mpf]) -> list[mpmath.mpf]:
    mean = sum(x) / len(x)
    variance = sum((v - mean) ** 2 for v in x) / len(x)
    return [(v - mean) / mpmath.sqrt(variance + mpmath.mpf(1e-5)) for v in x]


def _norm(x: list[mpmath.mpf]) -> list[mpmath.mpf]:
    return [mpmath.sqrt(sum(v * v for v in x))]


def _max(x: list[mpmath.mpf]) -> list[mpmath.mpf]:
    return [max(x)]


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1e-2, 1.0, 30.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("name", ["softmax", "layer_norm", "vector_norm", "max"])
def test_over_a_whole_axis(name: str, dtype: torch.dtype, scale: float) -> None:
    kernel, f = {
        "softmax": (lambda d, b: kernels.change_of_softmax(d, b, -1), _softmax),
        "layer_norm": (lambda d, b: kernels.change_of_layer_norm(d, b, [-1], 1e-5), _layer_norm),
        "vector_norm": (lambda d, b: kernels.change_of_vector_norm(d, b, [-1], True), _norm),
        "max": (lambda d, b: kernels.change_of_max(d, b, [-1], True), _max),
    }[name]
    d, b = _rows(scale, dtype)
    truth = _exact_rows(f, d, b)
    error = (kernel(d, b).double() - truth).abs()
    assert float(error.max()) <= 30 * torch.finfo(dtype).eps * float(truth.abs().max())
    if scale <= 1e-2:
        assert float(error.max()) <= 30 * torch.finfo(dtype).eps * scale * 4


def test_softmax_that_another_channel_takes_over() -> None:
    """A probability of 1e-20 that becomes one half: what is left of the others keeps its digits."""
    b = torch.tensor([[0.0, -46.0, -3.0, -60.0]], dtype=torch.float64)
    d = torch.tensor([[1e-9, 46.0, -2e-9, 70.0]], dtype=torch.float64)
    for change in (d, d * torch.tensor([1, 0.9, 1, 0.5]), d.flip(1)):
        truth = _exact_rows(_softmax, change, b)
        error = (kernels.change_of_softmax(change, b, -1) - truth).abs()
        assert float((error / truth.abs()).max()) < 1e-5


@pytest.mark.parametrize("gap", [5.0, 12.0, 20.0])
@pytest.mark.parametrize("scale", [1e-6, 0.1, 1.0])
def test_a_saturated_softmax_keeps_its_digits(gap: float, scale: float) -> None:
    """One probability of nearly 1 moves by less than single precision tells from 1."""
    d, b = _rows(scale, torch.float32)
    b[..., 2] = b.amax(-1) + gap
    truth = _exact_rows(_softmax, d, b)
    error = (kernels.change_of_softmax(d, b, -1).double() - truth).abs()
    assert float((error / truth.abs()).max()) < 1e-4


@pytest.mark.parametrize("scale", [1e-6, 1e-2, 0.5])
def test_layer_norm_of_two_keeps_its_digits(scale: float) -> None:
    """Two numbers end up at minus one and one, all but what ``eps`` leaves."""
    d, b = (rows[..., :2].contiguous() for rows in _rows(scale, torch.float32))
    b[..., 1] += 10
    truth = _exact_rows(_layer_norm, d, b)
    error = (kernels.change_of_layer_norm(d, b, [-1], 1e-5).double() - truth).abs()
    assert float((error / truth.abs()).max()) < 1e-4


@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(2, 2, 1), (3, 1, 1), (3, 2, 2)])
def test_max_pool_against_float64(kernel: int, stride: int, dilation: int) -> None:
    generator = torch.Generator().manual_seed(1)
    b = torch.randn(3, 4, 13, 11, generator=generator, dtype=torch.float64).relu()
    d = 0.1 * torch.randn(3, 4, 13, 11, generator=generator, dtype=torch.float64)
    got = kernels.change_of_max_pool(d, b, (kernel,) * 2, (stride,) * 2, (dilation,) * 2)

    def pool(x: Tensor) -> Tensor:
        return torch.nn.functional.max_pool2d(x, kernel, stride, dilation=dilation)

    assert torch.allclose(got, pool(b + d) - pool(b), rtol=0, atol=1e-15)


def test_max_pool_keeps_tiny_changes_of_the_maximum() -> None:
    b = torch.tensor([[5.0, 1.0], [-np.inf, 2.0]])[None, None]
    d = torch.tensor([[3e-13, 1.0], [0.0, 0.0]])[None, None]
    assert float(kernels.change_of_max_pool(d, b, (2, 2), (2, 2))) == pytest.approx(3e-13)
