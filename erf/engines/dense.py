"""The dense engine: whole disturbed images through the whole model. Slow, simple, the reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from erf.engines.engine import Disturb, Reading
from erf.geometry import PatchGrid, Target
from erf.graph import Graph, map_layout
from erf.model.observe import observe_maps
from erf.modules import counted_outputs


class DenseEngine:
    """Runs disturbed images in batches and subtracts the clean response.

    Works with any module; without a graph the four dimensions of a layer's output are taken for
    (n, channels, rows, cols), PyTorch's convention. In float32 it cannot see changes below about
    1e-7 of the activation: the difference of two nearly equal numbers is rounding noise there.

    Args:
        model: in evaluation mode.
        image: the clean image, on the model's device.
        targets: what to watch.
        memory_bytes: that a pass may take; one image it gets in any case, as the clean one did.
        batch_size: disturbed images a forward pass; None chooses about two million pixels, or
            fewer where memory does not allow for these.
        graph: of the model, which knows what the dimensions of its layers mean.

    Raises:
        LayerError: when the graph does not know which of them are rows and columns.
    """

    name = "dense"
    exact = False
    notes = ()

    def __init__(
        self,
        model: nn.Module,
        image: Float[Tensor, "c h w"],
        targets: Sequence[Target],
        *,
        memory_bytes: int = 4 * 2**30,
        batch_size: int | None = None,
        graph: Graph | None = None,
    ) -> None:
        self.model, self.image, self.targets = model, image, tuple(targets)
        self.memory_bytes, self.batch_size = memory_bytes, batch_size
        self.layers, self.graph = [target.layer for target in targets], graph
        if graph is not None:
            for layer in self.layers:
                map_layout(graph, layer)

    def measure(
        self, grid: PatchGrid, patches: Sequence[int], draws: Sequence[int], disturb: Disturb
    ) -> Iterator[Reading]:
        """See `Engine`."""
        with counted_outputs(self.model) as outputs:
            clean = observe_maps(self.model, self.image[None].clone(), self.layers, self.graph)
        batch = self.batch_size or self._largest_batch(outputs.bytes)
        jobs = np.array([(patch, draw) for patch in patches for draw in draws], dtype=np.int64)
        for start in range(0, len(jobs), batch):
            batch_patches, batch_draws = jobs[start : start + batch].T
            images = self.image.repeat(len(batch_patches), 1, 1, 1)
            added = disturb(batch_patches, batch_draws)
            for image, patch, extra in zip(images, batch_patches, added, strict=True):
                image[:, *grid.box(int(patch)).slices()] += extra
            maps = self._observe(images)
            values = tuple(
                discrepancy(maps[target.layer] - clean[target.layer], target)
                for target in self.targets
            )
            yield Reading(batch_patches, batch_draws, values)

    def _largest_batch(self, outputs: int) -> int:
        """About two million pixels, or as many images as memory allows for."""
        pixels = self.image[0].numel()
        taken = outputs + 4 * self.image.numel() * self.image.element_size()
        return max(1, min(2**21 // pixels, self.memory_bytes // taken))

    def _observe(
        self, images: Float[Tensor, "n c h w"]
    ) -> dict[str, Float[Tensor, "n channels rows cols"]]:
        """Maps of all images; one by one where a layer runs for each by itself, as in a loop."""
        maps = observe_maps(self.model, images, self.layers, self.graph)
        if all(len(found) == len(images) for found in maps.values()):
            return maps
        alone = [observe_maps(self.model, each[None], self.layers, self.graph) for each in images]
        return {layer: torch.cat([found[layer] for found in alone]) for layer in maps}


def discrepancy(
    difference: Float[Tensor, "n channels rows cols"], target: Target
) -> Float64[np.ndarray, "n ..."]:
    """L2 norm of the change over the target's channels, at its unit or everywhere."""
    if target.unit is not None:
        row, col = target.unit
        difference = difference[:, :, row : row + 1, col : col + 1]
    if target.channel is not None:
        difference = difference[:, target.channel : target.channel + 1]
    norm = torch.linalg.vector_norm(difference.double(), dim=1)
    return (norm if target.unit is None else norm[:, 0, 0]).cpu().numpy()
