"""Training mode and evaluation mode of a model's modules, each of which has its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Borrow a model in evaluation mode; every module's own mode returns, frozen ones' too."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        set_modes(modes)


def learning_modes(model: nn.Module) -> list[tuple[nn.Module, bool]]:
    """Return the mode of every module while the model learns, and leave them as they are.

    Within a model in training mode, what is in evaluation mode is frozen on purpose (batch norm, as
    fine-tuning has it) and stays so. A model in evaluation mode, as it is loaded, learns as one.
    """
    whole = not model.training
    return [(module, whole or module.training) for module in model.modules()]


def set_modes(modes: list[tuple[nn.Module, bool]]) -> None:
    """Set each module's mode, and not its children's."""
    for module, training in modes:
        module.training = training
