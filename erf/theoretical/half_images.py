"""Where each unit's field begins and ends, found by images of which one half differs.

Units hit by rows ``[p:]`` become fewer as p grows, those hit by ``[:p]`` more, and so it is with
columns: where a unit ceases to be hit, its field ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.utils._python_dispatch import _disable_current_modes

from erf.binding import binding_of
from erf.borrow import placed_like
from erf.errors import LayerError
from erf.graph.tokens import TokenGrid
from erf.layer_name import LayerName
from erf.misfit import explained
from erf.modules import find_layer

Hit = Bool[np.ndarray, "rows cols"]


class _Enough(Exception):
    """The layer has run for the last time, so the rest of the model need not."""


class HalfImages:
    """Runs a model on images part of which is NaN, up to one layer.

    Args:
        model: any module that takes one image.
        layer: module path.
        image_size: (rows, cols).
        channels: of the image.
        channel_dim: dimension of the layer's output that is its channels, tokens being two.
        batch: images of a forward pass.
        tokens: the grid among the layer's tokens, and which dimension they are.
    """

    def __init__(
        self,
        model: nn.Module,
        layer: str,
        image_size: tuple[int, int],
        channels: int,
        channel_dim: int,
        batch: int,
        tokens: tuple[TokenGrid, int] | None = None,
    ) -> None:
        self.model, self.layer, self.size = model, layer, image_size
        self.module, self.name = find_layer(model, layer), LayerName.parse(layer)
        self.calls = self.name.call
        self.image = placed_like(model, torch.full((channels, *image_size), 0.5))
        self.channel_dim, self.tokens = channel_dim, tokens
        if self.tokens is None and self.name.grid is not None:
            rows, cols, before = self.name.grid
            self.tokens = TokenGrid(before + rows * cols, before, (rows, cols)), 1
            self.channel_dim = 3
        binding = binding_of(model)
        self.listed = binding is not None and binding.form == "list"
        self.batch = 1 if self.listed else batch

    def hits(self, regions: Sequence[tuple[slice, slice]]) -> Bool[np.ndarray, "n rows cols"]:
        """Units that are NaN when a region is, for each region; without regions, for none."""
        images = self.image.repeat(max(len(regions), 1), 1, 1, 1)
        for image, (rows, cols) in zip(images, regions, strict=False):
            image[:, rows, cols] = torch.nan
        output = self.run(images)
        with _disable_current_modes():
            return self._over_channels(output.isnan())

    def run(self, images: Float[Tensor, "n c h w"]) -> Tensor:
        """What the layer puts out, its tokens as a grid.

        Raises:
            LayerError: when it does not run, or puts out no tensor.
        """
        outputs: list[Tensor] = []

        def look(_: nn.Module, __: object, output: object) -> None:
            with _disable_current_modes():
                # A copy, for what follows may write into it.
                outputs.append(self._tensor(self.name.select(output)).clone())
            if len(outputs) == self.calls:
                raise _Enough

        with (
            self.module.register_forward_hook(look),
            explained(self.model, tuple(images.shape)),
            suppress(_Enough),
        ):
            self.model(images)
        if not outputs:
            raise LayerError(f"layer {self.layer!r} does not run in the model's forward pass")
        self.calls = len(outputs)
        return outputs[-1]

    def ends(
        self, axis: int, unit: tuple[int, int] | None
    ) -> tuple[Int64[np.ndarray, "rows cols"], Int64[np.ndarray, "rows cols"]]:
        """First pixel of each unit's field along an axis, and the one after its last.

        Units hit by pixels ``[p:]`` become fewer as p grows, those hit by ``[:p]`` more. So where
        two borders hit the same units, no border between them has to be tried.
        """
        length = self.size[axis]
        last = np.sum(
            self._changes(length, lambda p: self._half(axis, slice(p, None)), unit), axis=0
        )
        before = self._changes(length, lambda p: self._half(axis, slice(0, p + 1)), unit)
        return length - np.sum(before, axis=0), last

    def _half(self, axis: int, part: slice) -> tuple[slice, slice]:
        return (part, slice(None)) if axis == 0 else (slice(None), part)

    def _changes(
        self, length: int, half: Callable[[int], tuple[slice, slice]], unit: tuple[int, int] | None
    ) -> Bool[np.ndarray, "length rows cols"]:
        """Units hit by each of the halves 0 to length - 1, trying only where they differ."""
        known: dict[int, Hit] = {}
        spans = [(0, length - 1)]
        self._try({0, length - 1}, half, known)
        while spans := [s for a, b in spans for s in _split(a, b, known, unit)]:
            self._try({border for span in spans for border in span}, half, known)
        filled = [known[0]]
        for border in range(1, length):
            filled.append(known.get(border, filled[-1]))
        return np.stack(filled)

    def _try(
        self, borders: set[int], half: Callable[[int], tuple[slice, slice]], known: dict[int, Hit]
    ) -> None:
        new = sorted(borders - known.keys())
        for start in range(0, len(new), self.batch):
            some = new[start : start + self.batch]
            known.update(zip(some, self.hits([half(border) for border in some]), strict=True))

    def _tensor(self, output: object) -> Tensor:
        if isinstance(output, dict):
            output = next(iter(output.values()))
        if isinstance(output, tuple | list):
            output = output[0]
        if not isinstance(output, Tensor):
            kind = type(output).__name__
            raise LayerError(f"layer {self.layer!r} puts out a {kind}, not a tensor")
        if self.tokens is None:
            return output
        grid, dim = self.tokens
        return grid.cut(output, dim)

    def _over_channels(self, found: Bool[Tensor, "n ..."]) -> Bool[np.ndarray, "n rows cols"]:
        """Units any of whose channels is found; without positions, one unit."""
        if self.listed and found.ndim == 3:  # of one image, without a batch
            found = found[None]
        if found.ndim == 4:
            return found.any(dim=self.channel_dim).cpu().numpy()
        return found.flatten(1).any(dim=1)[:, None, None].cpu().numpy()


def _split(
    a: int, b: int, known: dict[int, Hit], unit: tuple[int, int] | None
) -> list[tuple[int, int]]:
    """Halves of a span of borders, if something changes within it."""
    same = known[a] == known[b]
    if b - a < 2 or (same.all() if unit is None else same[unit]):
        return []
    middle = (a + b) // 2
    return [(a, middle), (middle, b)]
