"""Smooth functions of one variable."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from erf.engines.delta.kernels.piecewise import change_of_clamp, change_of_relu


def change_of_exp(d: Float[Tensor, "..."], b: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """``exp(b + d) - exp(b)``, factored at the larger end so that nothing overflows early."""
    return torch.exp(b + d.clamp(min=0)) * torch.expm1(-d.abs()) * -torch.sign(d)


def change_of_log(d: Float[Tensor, "..."], b: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """``log(b + d) - log(b)``."""
    return torch.log1p(d / b)


def change_of_sigmoid(d: Float[Tensor, "..."], b: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """``s(x) - s(b) = tanh(d / 2) (s(x) s(-b) + s(b) s(-x))`` with ``x = b + d``: no overflow."""
    moved = b + d
    both = torch.sigmoid(moved) * torch.sigmoid(-b) + torch.sigmoid(b) * torch.sigmoid(-moved)
    return torch.tanh(d / 2) * both


def change_of_tanh(d: Float[Tensor, "..."], b: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """``tanh(x) = 2 sigmoid(2 x) - 1``."""
    return 2 * change_of_sigmoid(2 * d, 2 * b)


def change_of_silu(d: Float[Tensor, "..."], b: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Change of ``x * sigmoid(x)`` by the product rule."""
    return b * change_of_sigmoid(d, b) + d * torch.sigmoid(b + d)


def change_of_softplus(
    d: Float[Tensor, "..."], b: Float[Tensor, "..."], beta: float = 1.0
) -> Float[Tensor, "..."]:
    """Change of ``log(1 + exp(beta x)) / beta``.

    ``log1p(sigmoid(b) expm1(d))``, for rises the same from the other end. Beyond a step of one the
    plain difference loses nothing.
    """
    step, start = beta * d, beta * b
    small = step.clamp(-1, 1)
    upper = torch.sigmoid(start + small.clamp(min=0))
    near = -torch.sign(small) * torch.log1p(upper * torch.expm1(-small.abs()))
    zero = torch.zeros_like(start)
    far = torch.logaddexp(start + step, zero) - torch.logaddexp(start, zero)
    return torch.where(step.abs() <= 1, near, far) / beta


def change_of_elu(
    d: Float[Tensor, "..."],
    b: Float[Tensor, "..."],
    alpha: float = 1.0,
    scale: float = 1.0,
    input_scale: float = 1.0,
) -> Float[Tensor, "..."]:
    """Change of ``scale * (relu(x) + alpha * expm1(input_scale * min(x, 0)))``: also selu, celu."""
    below = change_of_clamp(d, b, high=0.0)
    curve = change_of_exp(input_scale * below, input_scale * b.clamp(max=0))
    return scale * (change_of_relu(d, b) + alpha * curve)


def change_of_gelu(
    d: Float[Tensor, "..."], b: Float[Tensor, "..."], approximate: str = "none"
) -> Float[Tensor, "..."]:
    """Change of ``x * Phi(x)`` by the product rule, with Phi exact or by its tanh approximation."""
    if approximate == "none":
        gate, moved_gate = _change_of_normal_cdf(d, b), _normal_cdf(b + d)
    else:
        scale, cubic = math.sqrt(2 / math.pi), 0.044715
        inner = scale * (b + cubic * b**3)
        inner_change = scale * d * (1 + cubic * (3 * b * (b + d) + d * d))
        gate = change_of_tanh(inner_change, inner) / 2
        moved_gate = torch.sigmoid(2 * (inner + inner_change))
    return b * gate + d * moved_gate


def _change_of_normal_cdf(d: Float[Tensor, "..."], b: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """``Phi(b + d) - Phi(b)``: Gauss-Legendre quadrature of the density over steps up to one,
    beyond that the difference of the two smaller tails."""
    nodes, weights = np.polynomial.legendre.leggauss(10 if d.dtype == torch.float64 else 5)
    small = d.clamp(-1, 1)
    near = torch.zeros_like(b + d)
    for node, weight in zip(nodes.tolist(), weights.tolist(), strict=True):
        at = torch.add(b, small, alpha=0.5 + 0.5 * node)
        near.add_(at.square_().mul_(-0.5).exp_(), alpha=weight)
    near.mul_(small).mul_(0.5 / math.sqrt(2 * math.pi))
    wide = d.abs() > 1
    if not bool(wide.any()):  # as a rule: then the tails need not be computed
        return near
    side = torch.where(b + d / 2 > 0, -1.0, 1.0).to(d.dtype)
    far = side * (_normal_cdf(side * (b + d)) - _normal_cdf(side * b))
    return torch.where(wide, far, near)


def _normal_cdf(x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Phi: ``erfc`` keeps the digits of the lower tail, and is one pass where ``ndtr`` is many."""
    return torch.erfc(x * -math.sqrt(0.5)).mul_(0.5)
