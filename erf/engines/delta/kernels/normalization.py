"""Normalisation over axes that the window holds whole: softmax, layer norm, L2 norm."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def change_of_softmax(
    d: Float[Tensor, "..."], b: Float[Tensor, "..."], dim: int
) -> Float[Tensor, "..."]:
    """``p_i (exp(d_i) - Z) / Z`` with ``p`` the clean softmax and ``Z = sum_j p_j exp(d_j)``.

    A constant added to every ``d`` changes nothing, so the largest is taken off first; the
    numerator is ``expm1(d_i) - sum_j p_j expm1(d_j)``.
    """
    clean = torch.softmax(b, dim)
    fall = d - d.amax(dim, keepdim=True)
    rise = torch.expm1(fall)
    mean = (clean * rise).sum(dim, keepdim=True)
    return clean * (rise - mean) / (clean * torch.exp(fall)).sum(dim, keepdim=True)


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
