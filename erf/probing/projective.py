"""Whom a patch reaches: its projective field on a layer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float64

from erf.engines.dense import DenseEngine
from erf.errors import UnitError
from erf.geometry import PatchGrid, Target
from erf.graph import Graph
from erf.memory import parse_memory
from erf.model import Specimen
from erf.probing.draws import most_draws
from erf.probing.passes import Asked, disturbance_of, watch
from erf.settings import Disturbance


def reach(
    specimen: Specimen, asked: Asked, settings: Disturbance, patch: tuple[int, int]
) -> Iterator[Float64[np.ndarray, "unit_rows unit_cols"]]:
    """How much one patch changes every unit of a layer: the mean after each draw.

    It is the patch's row of the layer's influence (``unit="all"``), at the price of one image a
    draw; whole images run, so that changes below about 1e-7 of a response are rounding.

    Args:
        specimen: the model and the image.
        asked: the layer and the channel; of its unit nothing is asked.
        settings: what decides the numbers.
        patch: (row, col) in the grid of patches.

    Raises:
        UnitError: when there is no such patch.
        LayerError: there is no such layer, or its output is not a map.
    """
    grid = PatchGrid(specimen.image_size, settings.patch, settings.step)
    (row, col), (rows, cols) = patch, grid.shape
    if not (0 <= row < rows and 0 <= col < cols):
        raise UnitError(
            f"patch {row},{col} is outside the grid, which has {rows}x{cols} patches "
            f"(0,0 to {rows - 1},{cols - 1})"
        )
    (watched,) = watch(specimen, [Asked(asked.layer, "all", asked.channel)])
    disturb = disturbance_of(settings, specimen.image, grid)
    graph = specimen.graph
    engine = DenseEngine(
        specimen.model,
        specimen.image,
        [Target(asked.layer, None, asked.channel)],
        memory_bytes=parse_memory(settings.memory),
        batch_size=1,
        graph=graph if isinstance(graph, Graph) else None,
    )
    total = np.zeros(tuple(watched.activation.shape))
    for draw in range(most_draws(settings.rule)):
        with specimen.lent():
            (reading,) = engine.measure(grid, [row * cols + col], [draw], disturb)
        total = total + reading.values[0][0]
        yield total / (draw + 1)
