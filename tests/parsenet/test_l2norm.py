import pytest
import torch

from parsenet import L2Norm, ModelError


@pytest.fixture
def case() -> tuple[L2Norm, torch.Tensor, torch.Tensor]:
    """A layer with unequal γ, its input and the gradient that reaches its output, in float64."""
    draw = torch.Generator().manual_seed(1)
    layer = L2Norm(5).double()
    layer.gamma.data = torch.rand(5, dtype=torch.float64, generator=draw) * 20 - 5
    x = torch.randn(2, 5, 3, 4, dtype=torch.float64, generator=draw, requires_grad=True)
    return layer, x, torch.randn(2, 5, 3, 4, dtype=torch.float64, generator=draw)


def test_every_position_gets_the_norm_ten_at_the_start() -> None:
    y = L2Norm(7)(torch.randn(2, 7, 3, 4) * 100)
    torch.testing.assert_close(y.norm(dim=1), torch.full((2, 3, 4), 10.0))


def test_one_position_by_hand() -> None:
    layer = L2Norm(2, scale=1)
    layer.gamma.data = torch.tensor([10.0, -20.0])
    y = layer(torch.tensor([3.0, 4.0]).view(1, 2, 1, 1))
    torch.testing.assert_close(y.flatten(), torch.tensor([6.0, -16.0]))


def test_epsilon_stands_inside_the_root() -> None:
    layer = L2Norm(1, scale=1).double()
    # With a value of 1e-5 the sum under the root is 2e-10; outside it, ε would not count at all.
    y = layer(torch.full((1, 1, 1, 1), 1e-5, dtype=torch.float64))
    assert y.item() == pytest.approx(0.5**0.5, rel=1e-9)


def test_zero_input_gives_zero_and_a_finite_gradient() -> None:
    x = torch.zeros(1, 4, 2, 2, requires_grad=True)
    y = L2Norm(4)(x)
    y.sum().backward()
    assert not y.any()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_gradient_equals_the_papers_formulas(
    case: tuple[L2Norm, torch.Tensor, torch.Tensor],
) -> None:
    layer, x, dy = case
    layer(x).backward(dy)
    for sample in range(2):
        for row in range(3):
            for col in range(4):
                v, g = x.detach()[sample, :, row, col], dy[sample, :, row, col]
                n = v.norm()
                jacobian = torch.eye(5, dtype=torch.float64) / n - torch.outer(v, v) / n**3
                expected = jacobian @ (layer.gamma.detach() * g)
                torch.testing.assert_close(x.grad[sample, :, row, col], expected)
    normalised = x.detach() / x.detach().norm(dim=1, keepdim=True)
    torch.testing.assert_close(layer.gamma.grad, (dy * normalised).sum(dim=(0, 2, 3)))


def test_gradient_of_the_original_layer_agrees_only_for_equal_scales(
    case: tuple[L2Norm, torch.Tensor, torch.Tensor],
) -> None:
    layer, x, dy = case

    def original(gamma: torch.Tensor) -> torch.Tensor:
        v = x.detach()
        n = v.norm(dim=1, keepdim=True)
        inner = (v * dy).sum(dim=1, keepdim=True)
        return gamma.view(1, -1, 1, 1) * (dy - v * inner / n**2) / n

    (unequal,) = torch.autograd.grad(layer(x), x, dy)
    assert not torch.allclose(unequal, original(layer.gamma.detach()), rtol=1e-2)
    layer.gamma.data.fill_(10)
    (equal,) = torch.autograd.grad(layer(x), x, dy)
    torch.testing.assert_close(equal, original(layer.gamma.detach()))


def test_gradient_survives_gradcheck(case: tuple[L2Norm, torch.Tensor, torch.Tensor]) -> None:
    layer, x, _ = case
    gamma = layer.gamma.detach().clone().requires_grad_()

    def run(x: torch.Tensor, gamma: torch.Tensor) -> torch.Tensor:
        out = torch.func.functional_call(layer, {"gamma": gamma}, (x,))
        assert isinstance(out, torch.Tensor)
        return out

    assert torch.autograd.gradcheck(run, (x, gamma))


@pytest.mark.parametrize("scale", [float("nan"), "10", True])
def test_a_scale_that_is_no_number_is_refused(scale: float) -> None:
    with pytest.raises(ModelError, match="scale must be a finite number"):
        L2Norm(4, scale=scale)
