"""Borrowing a model: use it, and return it as found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn


@contextmanager
def borrowed(model: nn.Module) -> Iterator[nn.Module]:
    """The model in evaluation mode, without gradients; afterwards every module is as it was.

    Hooks belong to whoever registers them (``with handle:``); device, parameters and their
    gradient flags are never touched.
    """
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield model
    finally:
        for module, training in modes.items():
            module.training = training


def placed_like(model: nn.Module, image: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """The image with the device and the floating type of the model's first parameter."""
    parameter = next((p for p in model.parameters() if p.is_floating_point()), None)
    if parameter is None:
        return image
    return image.to(device=parameter.device, dtype=parameter.dtype)
