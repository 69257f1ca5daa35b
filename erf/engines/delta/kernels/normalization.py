"""Normalisation over axes that the window holds whole: softmax, layer norm, L2 norm."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

LARGE = 1e6
"""Growth beyond which a sum of exponentials is left to ``logsumexp``."""


def change_of_softmax(
    d: Float[Tensor, "..."], b: Float[Tensor, "..."], dim: int
) -> Float[Tensor, "..."]:
    """``p_i expm1(d_i - c)`` with ``p`` the clean softmax and ``c = log sum_j p_j exp(d_j)``.

    The shift ``c`` by ``log1p(sum_j p_j expm1(d_j))`` while that is no loss, else as the difference
    of two logarithms of sums; where a probability grows manifold it is subtracted as it is.
    """
    clean, moved = torch.softmax(b, dim), torch.softmax(b + d, dim)
    growth = (clean * torch.expm1(d)).sum(dim, keepdim=True)
    total = torch.logsumexp(b + d, dim, keepdim=True) - torch.logsumexp(b, dim, keepdim=True)
    gentle = (growth > -0.5) & (growth < LARGE)
    shift = torch.where(gentle, torch.log1p(growth.clamp(-0.5, LARGE)), total)
    step = d - shift
    return torch.where(step.abs() < 1, clean * torch.expm1(step), moved - clean)


def change_of_layer_norm(
    d: Float[Tensor, "..."],
    b: Float[Tensor, "..."],
    dims: Sequence[int],
    eps: float,
) -> Float[Tensor, "..."]:
    """Change of ``(x - mean) / sqrt(var + eps)`` over ``dims``, before weight and bias."""
    at = tuple(dims)
    centered = b - b.mean(at, keepdim=True)
    step = d - d.mean(at, keepdim=True)
    before = (centered.square().mean(at, keepdim=True) + eps).sqrt()
    after = ((centered + step).square().mean(at, keepdim=True) + eps).sqrt()
    growth = (step * (2 * centered + step)).mean(at, keepdim=True)
    return step / after - growth / (before * after * (before + after)) * centered


def change_of_vector_norm(
    d: Float[Tensor, "..."], b: Float[Tensor, "..."], dims: Sequence[int], keepdim: bool
) -> Float[Tensor, "..."]:
    """Change of the L2 norm over ``dims``: that of the squares, over the sum of both norms."""
    at = tuple(dims)
    growth = (d * (2 * b + d)).sum(at, keepdim=keepdim)
    both = torch.linalg.vector_norm(b, dim=at, keepdim=keepdim)
    both = both + torch.linalg.vector_norm(b + d, dim=at, keepdim=keepdim)
    return torch.where(growth == 0, torch.zeros_like(growth), growth / both)
