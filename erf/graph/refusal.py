"""Why there is no graph of a model, and what is left then."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from erf.borrow import borrowed, kept_buffers
from erf.misfit import first_line, misfit

LEFT = "NaN probing (method='nan') and the dense engine need forward passes only"


def refusal(model: nn.Module, image_shape: Sequence[int], error: Exception) -> str:
    """Why there is no graph, and what is left."""
    unfit = fallback(model, image_shape)
    if unfit != LEFT:
        return unfit
    return (
        f"{type(model).__name__} cannot be exported for an image of shape "
        f"{tuple(image_shape)}: {first_line(error)}. {unfit}"
    )


def fallback(model: nn.Module, image_shape: Sequence[int]) -> str:
    """What still works: forward passes, if the model takes such an image; else why it does not."""
    try:
        with borrowed(model), kept_buffers(model):
            model(example_of(model, (1, *image_shape[1:])))
    except Exception as error:
        return misfit(model, image_shape, error)
    return LEFT


def example_of(model: nn.Module, shape: Sequence[int]) -> Tensor:
    """An image of zeros, of the device and floating type of the model's first parameter."""
    like = next((p for p in model.parameters() if p.is_floating_point()), torch.zeros(()))
    return torch.zeros(tuple(shape), dtype=like.dtype, device=like.device)
