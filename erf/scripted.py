"""Scripted modules (``torch.jit``): closed to hooks; what they put out can be asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn


class Scripted(nn.Module):
    """A scripted module as a module without submodules, on which hooks work.

    Parameters and buffers are the scripted module's own, their names with ``_`` for ``.``.

    Args:
        module: what ``torch.jit.script``, ``trace`` or ``load`` returned.
    """

    def __init__(self, module: torch.jit.ScriptModule) -> None:
        super().__init__()
        self._compiled = [module]
        for name, parameter in module.named_parameters():
            self.register_parameter(name.replace(".", "_"), parameter)
        for name, buffer in module.named_buffers():
            self.register_buffer(name.replace(".", "_"), buffer)
        self.training = module.training

    def forward(self, *images: Any, **inputs: Any) -> Any:
        """As the scripted module."""
        return self._compiled[0](*images, **inputs)

    def train(self, mode: bool = True) -> Scripted:
        """Set the mode of both."""
        self._compiled[0].train(mode)
        return super().train(mode)


def open_to_hooks(model: nn.Module) -> nn.Module:
    """The model, wrapped where it is scripted."""
    return Scripted(model) if isinstance(model, torch.jit.ScriptModule) else model


def hookable(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Paths and modules of a model on which hooks work: not scripted ones, and nothing in them."""
    closed: list[str] = []
    for path, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            closed.append(f"{path}.")
        elif not any(path.startswith(each) for each in closed):
            yield path, module


CLOSED = "scripted, and closed to hooks: of a scripted module only what it puts out can be asked"
"""What is said of a layer in a scripted module."""
