"""What is examined: a model, and the layers of it that are looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

SIZE = (6, 5)
"""Of the images of small cases; unequal, so that rows are not taken for columns."""


@dataclass(frozen=True)
class Case:
    """One model or operator.

    Attributes:
        name: of the operator or the model.
        make: builds it, with any weights.
        image: (channels, rows, cols).
        layers: those that are looked at; none for some spread over the model's depth.
        smooth: builds its twin for gradients, where an operator has none: it reads the same.
    """

    name: str
    make: Callable[[], nn.Module]
    image: tuple[int, int, int] = (2, *SIZE)
    layers: tuple[str, ...] = ("out",)
    smooth: Callable[[], nn.Module] | None = None


class Net(nn.Module):
    """A field of three rows by one column, and a function of the map, with modules of its own."""

    def __init__(self, function: Callable[..., Tensor], *parts: nn.Module) -> None:
        super().__init__()
        self.stem, self.out = nn.Conv2d(2, 4, (3, 1), padding=(1, 0)), nn.Identity()
        self.parts, self.function = nn.ModuleList(parts), function

    def forward(self, x: Tensor) -> Tensor:
        """Stem, function, output."""
        return self.out(self.function(torch.tanh(self.stem(x)), *self.parts))


Function = Callable[..., Tensor]


def of(
    name: str,
    function: Function,
    *parts: Callable[[], nn.Module],
    smooth: Function | None = None,
    size: tuple[int, int] = SIZE,
) -> Case:
    """A case of one function of a map (n, 4, rows, cols).

    Args:
        name: of the case.
        function: of the map and the parts.
        parts: constructors of modules.
        smooth: the same with operators that have a gradient.
        size: (rows, cols) of the image.
    """

    def make(which: Function) -> Callable[[], nn.Module]:
        return lambda: Net(which, *(part() for part in parts))

    return Case(name, make(function), (2, *size), ("out",), make(smooth) if smooth else None)
