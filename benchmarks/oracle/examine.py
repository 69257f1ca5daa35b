"""Theory held to the oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.oracle.case import Case
from benchmarks.oracle.truth import Support, Unit, Wanted, randomise, supports
from erf.graph import Graph, export
from erf.theoretical import TheoreticalField
from erf.theoretical.analyse import analyse

LAYERS = 5
"""How many are looked at where a case names none."""


@dataclass(frozen=True)
class Finding:
    """One layer of one case.

    Attributes:
        case, layer: their names.
        status, reasons: as of `erf.TheoreticalField`.
        units: how many were looked at.
        missed: units of which some pixel that has a gradient is not claimed.
        beyond: units that claim a pixel without a gradient.
        loose: of a box that does not enclose just what is read.
    """

    case: str
    layer: str
    status: str
    reasons: tuple[str, ...]
    units: int
    missed: tuple[Unit, ...]
    beyond: tuple[Unit, ...]
    loose: tuple[Unit, ...]

    @property
    def wrong(self) -> bool:
        """Whether a pixel is missed, or claimed although the status says that all are read."""
        return bool(self.missed or (self.status != "upper_bound" and (self.beyond or self.loose)))


def examine(case: Case, most: int = 30, seeds: tuple[int, ...] = (0, 1)) -> list[Finding]:
    """Look at a case's layers.

    Args:
        case: the model.
        most: units of a layer that are looked at; of more, corners, middle and some between.
        seeds: one an image.
    """
    torch.manual_seed(0)
    model = randomise(case.make().double().eval(), 0)
    smooth = randomise((case.smooth or case.make)().double().eval(), 0)
    for tensor in smooth.parameters():
        tensor.requires_grad_(False)
    graph = export(model, (1, *case.image))
    fields = analyse(graph, case.layers or spread(graph))
    wanted = {f.layer: Wanted(tuple(_some(f.units, most)), f.channel_dim) for f in fields}
    truths = supports(smooth, wanted, case.image, seeds)
    return [_hold(case, field, truths[field.layer]) for field in fields]


def _hold(case: Case, field: TheoreticalField, truth: Mapping[Unit, Support]) -> Finding:
    missed, beyond, loose = [], [], []
    for unit in truth:
        claimed = field.support(unit)
        if (truth[unit] & ~claimed).any():
            missed.append(unit)
        if (claimed & ~truth[unit]).any():
            beyond.append(unit)
        if not _encloses(field, unit, truth[unit]):
            loose.append(unit)
    return Finding(
        case.name,
        field.layer,
        field.status,
        field.reasons,
        len(truth),
        tuple(missed),
        tuple(beyond),
        tuple(loose),
    )


def _encloses(field: TheoreticalField, unit: Unit, truth: np.ndarray) -> bool:
    box, rows, cols = field.box(unit), truth.any(1).nonzero()[0], truth.any(0).nonzero()[0]
    if not len(rows):
        return box.empty
    return (box.top, box.left, box.bottom, box.right) == (
        rows[0],
        cols[0],
        rows[-1] + 1,
        cols[-1] + 1,
    )


def _some(units: tuple[int, int], most: int) -> list[Unit]:
    """All units, or corners, the middle and some drawn by a seed."""
    rows, cols = units
    every = [(row, col) for row in range(rows) for col in range(cols)]
    if len(every) <= most:
        return every
    corners = {(r, c) for r in (0, rows - 1) for c in (0, cols - 1)} | {(rows // 2, cols // 2)}
    drawn = np.random.default_rng(0).permutation(len(every))[: max(most - len(corners), 0)]
    return sorted(corners | {every[index] for index in drawn})


def spread(graph: Graph) -> Sequence[str]:
    """Layers over the depth of a model whose output is a map or a vector; the last one always."""
    names = [
        name for name in graph.names() if not name.startswith("output") and _is_shown(graph, name)
    ]
    picked = np.linspace(0, len(names) - 1, LAYERS + 1).round().astype(int)[1:]
    return [names[index] for index in dict.fromkeys(picked.tolist())]


def _is_shown(graph: Graph, name: str) -> bool:
    layout = graph.layer(name).layout
    if layout is None:
        return False
    return (layout.is_map and len(layout.dims) == 4) or (
        not layout.positioned and len(layout.dims) == 2
    )
