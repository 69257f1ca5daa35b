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


def unusual_form(tensor: Tensor) -> str | None:
    """Return why a tensor's numbers cannot be read one by one; None where they can.

    Example:
        >>> unusual_form(torch.ones(2).to_sparse()), unusual_form(torch.ones(2))
        ('sparse_coo', None)
    """
    if tensor.layout is not torch.strided:
        return str(tensor.layout).removeprefix("torch.")
    if tensor.is_nested or tensor.is_quantized:
        return "nested" if tensor.is_nested else "quantized"
    return None if tensor.device.type == "cpu" else f"on device {tensor.device.type}"


def checksum(text: str, tensors: Mapping[str, Tensor]) -> str:
    """Return the CRC-32 of a description, and of every tensor's name, form and bytes."""
    found = zlib.crc32(text.encode())
    for name, tensor in sorted(tensors.items()):
        form = f"{name} {tensor.dtype} {tuple(tensor.shape)}"
        found = zlib.crc32(form.encode(), found)
        found = zlib.crc32(tensor.flatten().view(uint8).numpy().data, found)
    return str(found)
