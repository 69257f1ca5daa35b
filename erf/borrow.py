"""Borrowing a model: use it, and return it as found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

OWN = frozenset(vars(nn.Module()))
"""Attributes that every module has: its mode, its hooks, and what is registered with it."""
HOOKS = ("_hooks", "_hooks_with_kwargs", "_hooks_always_called")
"""How the attributes that hold hooks end."""


@contextmanager
def borrowed(model: nn.Module) -> Iterator[nn.Module]:
    """The model in evaluation mode, without gradients; afterwards every module is as it was.

    What a ``forward`` notes on its module (a cache of anchors for this size of image) is undone
    too: while a model is traced such notes hold no numbers. So are hooks that it registers: left
    without the note that says so, the next pass would register them again, and each would count
    twice. Device, parameters and their gradient flags are never touched.
    """
    modes = {module: module.training for module in model.modules()}
    noted = {module: (type(module), _notes(module)) for module in modes}
    hooked = {module: _hooks(module) for module in modes}
    model.eval()
    try:
        with torch.no_grad():
            yield model
    finally:
        for module, training in modes.items():
            module.training = training
            kind, notes = noted[module]
            if type(module) is kind:  # a lazy module has become another
                _restore(module, notes)
            for name, known in hooked[module].items():
                hooks: dict[int, object] = getattr(module, name)
                for handle in hooks.keys() - known:
                    del hooks[handle]


def _notes(module: nn.Module) -> dict[str, tuple[object, object]]:
    """Attributes of a module's own, each with a copy of what it holds if it is a container."""
    return {
        name: (value, value.copy() if type(value) in (list, dict, set) else None)
        for name, value in vars(module).items()
        if name not in OWN
    }


def _hooks(module: nn.Module) -> dict[str, set[int]]:
    """Of each kind of hook a module may have, the handles of those it has."""
    kinds = [name for name in OWN if name.endswith(HOOKS)]
    return {name: set(vars(module)[name]) for name in kinds if name in vars(module)}


def _restore(module: nn.Module, notes: Mapping[str, tuple[object, object]]) -> None:
    attributes = vars(module)
    for name in [name for name in attributes if name not in OWN and name not in notes]:
        del attributes[name]
    for name, (value, held) in notes.items():
        attributes[name] = value
        if isinstance(value, list) and isinstance(held, list):
            value[:] = held
        elif isinstance(value, (dict, set)) and isinstance(held, (dict, set)):
            value.clear()
            value.update(held)


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
            if buffer.is_meta:  # has no values
                continue
            if value is not None and value.shape == buffer.shape and not torch.equal(buffer, value):
                buffer.copy_(value)


def placed_like(model: nn.Module, image: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """The image with the device and the floating type of the model's first parameter."""
    parameter = next((p for p in model.parameters() if p.is_floating_point()), None)
    if parameter is None:
        return image
    return image.to(device=parameter.device, dtype=parameter.dtype)
