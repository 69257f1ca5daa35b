"""From a plan's words to a target: the clean response decides what ``center`` and ``max`` mean."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from erf.errors import UnitError
from erf.geometry import Target, UnitName, locate


def clean_activation(
    response: Float[Tensor, "channels rows cols"], channel: int | None, layer: str
) -> Float[Tensor, "rows cols"]:
    """A layer's clean response as one map: the channel, or the L2 norm over all.

    Raises:
        UnitError: when the layer has no such channel.
    """
    if channel is None:
        return torch.linalg.vector_norm(response, dim=0)
    if not 0 <= channel < len(response):
        raise UnitError(
            f"channel {channel} is outside layer {layer!r}, "
            f"which has {len(response)} channels (0 to {len(response) - 1})"
        )
    return response[channel]


def find_target(
    activation: Float[Tensor, "rows cols"], unit: UnitName, channel: int | None, layer: str
) -> Target:
    """The target that a unit's name stands for.

    Raises:
        UnitError: when the unit is outside the layer.
    """
    rows, cols = activation.shape
    row, col = divmod(int(activation.argmax()), cols)
    return Target(layer, locate(unit, (rows, cols), (row, col), layer), channel)
