"""The largest of several."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def change_of_max(
    d: Float[Tensor, "..."], b: Float[Tensor, "..."], dims: Sequence[int], keepdim: bool
) -> Float[Tensor, "..."]:
    """Change of the maximum over ``dims``: ``max_i((b_i - m) + d_i)`` with ``m`` the clean one."""
    at = tuple(dims)
    return torch.amax((b - b.amax(at, keepdim=True)) + d, at, keepdim=keepdim)


def change_of_max_pool(
    d: Float[Tensor, "*batch rows cols"],
    b: Float[Tensor, "*clean rows cols"],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> Float[Tensor, "*batch out_rows out_cols"]:
    """Change of max pooling without padding: ``max_i((b_i - m) + d_i)``, one tap at a time.

    Args:
        d: change of the input, 0 in what was padding.
        b: clean input, minus infinity in what was padding.
        kernel, stride, dilation: of the pooling, (rows, cols).
    """
    size = [
        (length - step * (taps - 1) - 1) // jump + 1
        for length, taps, jump, step in zip(d.shape[-2:], kernel, stride, dilation, strict=True)
    ]

    def tap(x: Tensor, row: int, col: int) -> Tensor:
        top, left = row * dilation[0], col * dilation[1]
        bottom, right = top + (size[0] - 1) * stride[0] + 1, left + (size[1] - 1) * stride[1] + 1
        return x[..., top : bottom : stride[0], left : right : stride[1]]

    taps = [(row, col) for row in range(kernel[0]) for col in range(kernel[1])]
    top = tap(b, 0, 0)
    for row, col in taps[1:]:
        top = torch.maximum(top, tap(b, row, col))
    result = (tap(b, 0, 0) - top) + tap(d, 0, 0)
    for row, col in taps[1:]:
        result = torch.maximum(result, (tap(b, row, col) - top) + tap(d, row, col))
    return result
