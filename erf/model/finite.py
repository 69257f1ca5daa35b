"""Numbers that are none: how many values of a tensor are not finite."""

from __future__ import annotations

from math import isfinite

import torch
from torch import Tensor


def count_lost(tensor: Tensor) -> int:
    """How many values are NaN or infinite; 0 for tensors of whole numbers.

    Example:
        >>> count_lost(torch.tensor([1.0, float("nan"), float("inf")]))
        2
    """
    if not tensor.is_floating_point() or not tensor.numel():
        return 0
    flat = tensor.detach()
    # One read of what is nearly always finite; both ends are NaN where a value is.
    if all(isfinite(float(end)) for end in torch.aminmax(flat)):
        return 0
    return int((~torch.isfinite(flat)).sum())
