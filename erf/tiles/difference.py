"""How far a layer is from what the whole image gives: relative change, and labels that flip."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from erf.borrow import borrowed, kept_buffers, placed_like
from erf.errors import TilingError
from erf.graph import try_graph_of
from erf.model import observe_maps
from erf.tiles.stitch import Map

Criterion = Literal["change", "flips"]


@dataclass(frozen=True, eq=False)
class Whole:
    """What a layer puts out for the whole image.

    Attributes:
        map: (channels, rows, cols).
        spread: root mean square distance, L2 over channels, of its units from their mean.
    """

    map: Map
    spread: float

    @classmethod
    def of(cls, model: nn.Module, image: Float[Tensor, "c h w"], layer: str) -> Whole:
        """Run the model on the image.

        Raises:
            TilingError: all units are alike, so that a change has nothing to be compared with; or
                some are no finite numbers.
        """
        placed = placed_like(model, torch.as_tensor(image))[None]
        graph = try_graph_of(model, placed.shape)
        with borrowed(model), kept_buffers(model):
            whole = observe_maps(model, placed.clone(), [layer], graph)[layer][0]
        distance = (whole - whole.mean(dim=(1, 2), keepdim=True)).norm(dim=0)
        spread = float(distance.square().mean().sqrt())
        if not isfinite(spread):
            raise TilingError(f"layer {layer!r} has values that are not finite, or too large")
        if spread == 0:
            raise TilingError(
                f"layer {layer!r} is the same everywhere: there is nothing to compare"
            )
        return cls(whole, spread)

    @property
    def labelled(self) -> bool:
        """Whether units have a strongest channel, as one channel by itself is not."""
        return len(self.map) > 1

    def change(self, found: Map, row: int = 0, col: int = 0) -> Float[Tensor, "rows cols"]:
        """Of each unit of a part that begins at a unit of the whole: L2 over channels / spread."""
        return (found - self._part(found, row, col)).norm(dim=0) / self.spread

    def flipped(self, found: Map, row: int = 0, col: int = 0) -> Bool[Tensor, "rows cols"]:
        """Of each unit of a part, whether another channel is the strongest."""
        return found.argmax(dim=0) != self._part(found, row, col).argmax(dim=0)

    def left(self, found: Map, criterion: Criterion) -> float:
        """Of a map as large as the whole: the largest change, or the share of labels that flip."""
        if criterion == "change":
            return float(self.change(found).max())
        return float(self.flipped(found).double().mean())

    def _part(self, found: Map, row: int, col: int) -> Map:
        return self.map[:, row : row + found.shape[1], col : col + found.shape[2]]
