"""What is asked of a set of named tensors: whether all are finite, and a checksum."""

import zlib
from collections.abc import Mapping
from math import isfinite

import torch
from torch import Tensor, uint8


def lost_values(tensors: Mapping[str, Tensor]) -> str | None:
    """Return which tensor is the first with values that are not finite, and how many of them.

    Example:
        >>> lost_values({"bias": torch.tensor([1.0, float("nan")])})
        "'bias' has 1 of 2 values that are not finite"
    """
    for name, tensor in tensors.items():
        if not tensor.is_floating_point() or not tensor.numel():
            continue
        if not all(isfinite(float(end)) for end in torch.aminmax(tensor)):
            lost = int((~torch.isfinite(tensor)).sum())
            return f"{name!r} has {lost} of {tensor.numel()} values that are not finite"
    return None


def checksum(text: str, tensors: Mapping[str, Tensor]) -> str:
    """Return the CRC-32 of a description, and of every tensor's name, form and bytes."""
    found = zlib.crc32(text.encode())
    for name, tensor in sorted(tensors.items()):
        form = f"{name} {tensor.dtype} {tuple(tensor.shape)}"
        found = zlib.crc32(form.encode(), found)
        found = zlib.crc32(tensor.flatten().view(uint8).numpy().data, found)
    return str(found)
