"""Products, quotients, powers, and the larger of two."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def change_of_product(
    first_change: Float[Tensor, "..."],
    first: Float[Tensor, "..."],
    second_change: Float[Tensor, "..."],
    second: Float[Tensor, "..."],
) -> Float[Tensor, "..."]:
    """``(a + da)(c + dc) - a c = a dc + da (c + dc)``."""
    return first * second_change + first_change * (second + second_change)


def change_of_division(
    first_change: Float[Tensor, "..."],
    first: Float[Tensor, "..."],
    second_change: Float[Tensor, "..."],
    second: Float[Tensor, "..."],
) -> Float[Tensor, "..."]:
    """``(a + da) / (c + dc) - a / c = (da - (a / c) dc) / (c + dc)``."""
    return (first_change - first / second * second_change) / (second + second_change)


def change_of_reciprocal(d: Float[Tensor, "..."], b: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """``1 / (b + d) - 1 / b``."""
    return -d / b / (b + d)


def change_of_sqrt(d: Float[Tensor, "..."], b: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """``sqrt(b + d) - sqrt(b) = d / (sqrt(b + d) + sqrt(b))``, and 0 where both are 0."""
    total = torch.sqrt(b + d) + torch.sqrt(b)
    return torch.where(d == 0, torch.zeros_like(total), d / total)


def change_of_rsqrt(d: Float[Tensor, "..."], b: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """``1 / sqrt(b + d) - 1 / sqrt(b)``."""
    return -change_of_sqrt(d, b) * torch.rsqrt(b) * torch.rsqrt(b + d)


def change_of_power(
    d: Float[Tensor, "..."], b: Float[Tensor, "..."], exponent: float
) -> Float[Tensor, "..."]:
    """``(b + d)**exponent - b**exponent``.

    Whole exponents by ``x**n - b**n = (x - b) (x**(n-1) + x**(n-2) b + ... + b**(n-1))``, halves by
    the square root, the rest by ``b**p expm1(p log1p(d / b))``.
    """
    if exponent < 0:
        return (
            -change_of_power(d, b, -exponent) * torch.pow(b, exponent) * torch.pow(b + d, exponent)
        )
    if exponent == 0.5:
        return change_of_sqrt(d, b)
    if exponent == int(exponent) and exponent <= 8:
        return d * _sum_of_powers(b + d, b, int(exponent))
    ratio = torch.where(b == 0, torch.ones_like(b), b)
    bent = torch.pow(b, exponent) * torch.expm1(exponent * torch.log1p(d / ratio))
    return torch.where(b == 0, torch.pow(b + d, exponent), bent)


def _sum_of_powers(
    x: Float[Tensor, "..."], b: Float[Tensor, "..."], exponent: int
) -> Float[Tensor, "..."]:
    """``x**(n-1) + x**(n-2) b + ... + b**(n-1)`` by Horner's scheme."""
    if exponent == 0:
        return torch.zeros_like(x)
    total, power = torch.ones_like(x), torch.ones_like(b)
    for _ in range(exponent - 1):
        power = power * b
        total = total * x + power
    return total


def change_of_maximum(
    first_change: Float[Tensor, "..."],
    first: Float[Tensor, "..."],
    second_change: Float[Tensor, "..."],
    second: Float[Tensor, "..."],
) -> Float[Tensor, "..."]:
    """Change of the elementwise maximum: of each, how far its clean value is below, plus its
    change; the larger of the two."""
    top = torch.maximum(first, second)
    return torch.maximum((first - top) + first_change, (second - top) + second_change)
