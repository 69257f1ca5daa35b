"""Why there is no graph of a model, and what is left then."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from erf.borrow import borrowed, kept_buffers


def refusal(model: nn.Module, image_shape: Sequence[int], error: Exception) -> str:
    """Why there is no graph, and what is left."""
    return (
        f"{type(model).__name__} cannot be exported for an image of shape "
        f"{tuple(image_shape)}: {first_line(error)}. {fallback(model, image_shape)}"
    )


def fallback(model: nn.Module, image_shape: Sequence[int]) -> str:
    """What still works: forward passes, if the model takes such an image; found by one of them."""
    try:
        with borrowed(model), kept_buffers(model):
            model(example_of(model, (1, *image_shape[1:])))
    except Exception as error:
        return f"Nor does a forward pass work ({first_line(error)}), so that nothing else does"
    return "NaN probing (method='nan') and the dense engine need forward passes only"


def example_of(model: nn.Module, shape: Sequence[int]) -> Tensor:
    """An image of zeros, of the device and floating type of the model's first parameter."""
    like = next((p for p in model.parameters() if p.is_floating_point()), torch.zeros(()))
    return torch.zeros(tuple(shape), dtype=like.dtype, device=like.device)


def first_line(error: Exception) -> str:
    """An error's kind and the first line of what it says."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"[:200].rstrip(".")
