"""Interpolation under NaN probing: a tap of weight zero hands nothing on, neither change nor NaN.

PyTorch multiplies such taps, and 0 x NaN is NaN. While this mode is entered, interpolation of a
tensor that holds NaN gives NaN just where a tap with a weight is NaN.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

NAMES = ("upsample_", "_upsample_", "grid_sampler")
"""How the names of operators begin that weigh samples by where they are asked for."""


class Weightless(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While it is entered, samples of weight zero do not hand NaN on."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operator; interpolation twice, once of what is finite and once of what is not."""
        kwargs = kwargs or {}
        name = func._schema.name.split("::")[-1]
        if not name.startswith(NAMES) or "backward" in name or not args[0].isnan().any():
            return func(*args, **kwargs)
        image, *others = args
        lacking = image.isnan()
        values = func(image.nan_to_num(nan=0.0), *others, **kwargs)
        return values.masked_fill(
            func(_weights(image) * lacking, *others, **kwargs) != 0, torch.nan
        )


def _weights(like: Tensor) -> Tensor:
    """Positive numbers of no pattern, so that negative weights of a kernel do not cancel them."""
    count = torch.arange(like.numel(), device=like.device, dtype=torch.float64)
    return (1 + (count * 0.6180339887498949).frac()).view(like.shape).to(like.dtype)
