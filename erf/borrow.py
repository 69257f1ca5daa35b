"""Borrowing a model: use it, and return it as found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


@contextmanager
def kept_buffers(model: nn.Module) -> Iterator[dict[str, Tensor]]:
    """Yield copies of the buffers, which get these values back afterwards, whatever happens."""
    state = {name: buffer.clone() for name, buffer in model.named_buffers()}
    try:
        yield state
    finally:
        restore_buffers(model, state)


def restore_buffers(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Write values back into the buffers that differ; one of another shape is left alone."""
    with torch.no_grad():
        for name, buffer in model.named_buffers():
            value = state.get(name)
            if value is not None and value.shape == buffer.shape and not torch.equal(buffer, value):
                buffer.copy_(value)


def placed_like(model: nn.Module, image: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """The image with the device and the floating type of the model's first parameter."""
    parameter = next((p for p in model.parameters() if p.is_floating_point()), None)
    if parameter is None:
        return image
    return image.to(device=parameter.device, dtype=parameter.dtype)
