"""Normalisation over axes that the window holds whole: softmax, layer norm, L2 norm."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor


def change_of_softmax(
    d: Float[Tensor, "..."], b: Float[Tensor, "..."], dim: int
) -> Float[Tensor, "..."]:
    """``p_i expm1(e_i - c)`` with ``p`` the clean softmax and ``c = log1p(sum_j p_j expm1(e_j))``.

    ``e`` is the change less that of the likeliest, which changes nothing of the softmax: so where
    one probability is nearly 1, its own small change is a sum of small numbers and no difference of
    large ones. Where a probability changes manifold it is subtracted as it is.
    """
    logs = torch.log_softmax(b, dim)
    clean, moved = logs.exp(), torch.softmax(b + d, dim)
    top = logs.argmax(dim, keepdim=True).expand(*d.narrow(dim, 0, 1).shape)
    e = d - d.gather(dim, top)
    gains = torch.where(e < 1, clean * torch.expm1(e.clamp(max=1)), torch.exp(logs + e) - clean)
    growth = gains.sum(dim, keepdim=True)
    total = torch.logsumexp(b + e, dim, keepdim=True) - torch.logsumexp(b, dim, keepdim=True)
    step = e - torch.where(growth.isfinite(), torch.log1p(growth), total)
    return torch.where(step.abs() < 1, clean * torch.expm1(step), moved - clean)


def change_of_layer_norm(
    d: Float[Tensor, "..."],
    b: Float[Tensor, "..."],
    dims: Sequence[int],
    eps: float,
) -> Float[Tensor, "..."]:
    """Change of ``(x - mean) / sqrt(var + eps)`` over ``dims``, before weight and bias.

    The centred change is ``along`` times the centred clean values and a rest at right angles to
    them. Along them next to nothing changes, ``eps`` apart: that part has a formula of its own.
    """
    at = tuple(dims)
    centered = b - b.mean(at, keepdim=True)
    step = d - d.mean(at, keepdim=True)
    variance = centered.square().mean(at, keepdim=True)
    along = (step * centered).mean(at, keepdim=True) / variance
    along = torch.where(variance > 0, along, torch.zeros_like(along))
    rest = step - along * centered
    if prod(b.shape[dim] for dim in at) == 2:
        rest = torch.zeros_like(rest)  # two centred numbers have but one direction
    others = rest.square().mean(at, keepdim=True)
    before, after = (variance + eps).sqrt(), ((1 + along).square() * variance + others + eps).sqrt()
    near = (along * (2 + along) * eps - others) / (after * before * ((1 + along) * before + after))
    factor = torch.where(along > -0.5, near, (1 + along) / after - 1 / before)
    return rest / after + factor * centered


def change_of_vector_norm(
    d: Float[Tensor, "..."], b: Float[Tensor, "..."], dims: Sequence[int], keepdim: bool
) -> Float[Tensor, "..."]:
    """Change of the L2 norm over ``dims``: that of the squares, over the sum of both norms."""
    at = tuple(dims)
    growth = (d * (2 * b + d)).sum(at, keepdim=keepdim)
    both = torch.linalg.vector_norm(b, dim=at, keepdim=keepdim)
    both = both + torch.linalg.vector_norm(b + d, dim=at, keepdim=keepdim)
    return torch.where(growth == 0, torch.zeros_like(growth), growth / both)
