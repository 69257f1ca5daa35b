"""What formulas prepare once and use in every batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from erf.graph import Node

PART = 4
"""Weights are kept a second time where they take at most one part in so many of the memory."""


class Prepared:
    """Weights in the order that convolutions of windows like, and small things worth keeping.

    Args:
        weights: of each convolution.
        scales: factors of output channels, of convolutions that stand in for a batch norm too.
        memory_bytes: budget of the engine. Weights that would take much of it are prepared anew
            for every batch.
    """

    def __init__(
        self,
        weights: Mapping[Node, Float[Tensor, "o c *kernel"]],
        scales: Mapping[Node, Float[Tensor, " o"]],
        memory_bytes: int,
    ) -> None:
        self._scales = scales
        sizes = {
            node: weight.untyped_storage().nbytes()
            for node, weight in weights.items()
            if node in scales or not _is_innermost(weight)
        }
        self.keeps_weights = sum(sizes.values()) * PART <= memory_bytes
        self.bytes = sum(sizes.values()) if self.keeps_weights else max(sizes.values(), default=0)
        self._kept: dict[Node, Any] = {}

    def once(self, node: Node, make: Callable[[], Any]) -> Any:
        """What ``make`` gives for a node, made when first asked for."""
        if node not in self._kept:
            self._kept[node] = make()
        return self._kept[node]

    def weight(
        self, node: Node, weight: Float[Tensor, "o c rows cols"]
    ) -> Float[Tensor, "o c rows cols"]:
        """The weight of a convolution: scaled, channels innermost."""

        def make() -> Tensor:
            scale = self._scales.get(node)
            scaled = weight if scale is None else weight * scale.view(-1, 1, 1, 1)
            return scaled.contiguous(memory_format=torch.channels_last)

        made: Tensor = self.once(node, make) if self.keeps_weights else make()
        return made


def _is_innermost(weight: Tensor) -> bool:
    return weight.ndim != 4 or weight.is_contiguous(memory_format=torch.channels_last)
