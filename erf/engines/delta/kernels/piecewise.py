"""Piecewise linear activations."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor


def change_of_relu(d: Float[Tensor, "..."], b: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """``relu(b + d) - relu(b)``: ``max(d, -b)`` where ``b > 0``, else ``max(b + d, 0)``."""
    moved = d + b.clamp(max=0)
    return torch.maximum(moved, -b.clamp(min=0), out=moved)


def change_of_clamp(
    d: Float[Tensor, "..."],
    b: Float[Tensor, "..."],
    low: float = -math.inf,
    high: float = math.inf,
) -> Float[Tensor, "..."]:
    """``clamp(b + d, low, high) - clamp(b, low, high)``: relu6, hardtanh and their like.

    With ``c`` the clamped clean value it is the excess ``b - c`` plus the change, clamped to what
    is left on either side of ``c``.
    """
    clamped = b.clamp(low, high)
    moved = d + (b - clamped)
    if low > -math.inf:
        moved = torch.maximum(moved, low - clamped)
    return torch.minimum(moved, high - clamped) if high < math.inf else moved


def change_of_leaky_relu(
    d: Float[Tensor, "..."], b: Float[Tensor, "..."], slope: float | Float[Tensor, "..."]
) -> Float[Tensor, "..."]:
    """A line of ``slope`` plus ``1 - slope`` times a relu; ``slope`` is a tensor in prelu."""
    return slope * d + (1 - slope) * change_of_relu(d, b)


def change_of_abs(d: Float[Tensor, "..."], b: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """``|b + d| - |b|`` as the sum of a relu and a mirrored relu."""
    return change_of_relu(d, b) + change_of_relu(-d, -b)


def change_of_hardsigmoid(d: Float[Tensor, "..."], b: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Change of ``clamp(x / 6 + 1 / 2, 0, 1)``, clamped where ``x`` itself leaves -3 to 3."""
    return change_of_clamp(d, b, -3.0, 3.0) / 6


def change_of_hardswish(d: Float[Tensor, "..."], b: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Change of ``x * hardsigmoid(x)`` by the product rule."""
    gate = change_of_hardsigmoid(d, b)
    return b * gate + d * (torch.nn.functional.hardsigmoid(b) + gate)
