"""Choosing an engine, and saying which and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from erf.engines.check import Agreement, compare
from erf.engines.delta import DeltaEngine
from erf.engines.dense import DenseEngine
from erf.engines.engine import Change, Engine
from erf.engines.memory import parse_memory
from erf.errors import ExportError
from erf.geometry import PatchGrid, Target
from erf.graph import Graph

CONVENTION = "layers are read as (n, channels, rows, cols), which only an export could confirm"
"""What dense takes for granted where there is no graph."""


@dataclass(frozen=True)
class Choice:
    """The engine that runs, and what there is to say about it.

    Attributes:
        engine: built and ready.
        requested: the name that was asked for.
        notes: sentences for the user and the provenance.
        graph: of the model; None when it cannot be exported.
        agreement: comparison with the dense engine on a few patches, if there was one.
    """

    engine: Engine
    requested: str
    notes: tuple[str, ...]
    graph: Graph | None
    agreement: Agreement | None = None

    def to_json(self) -> dict[str, Any]:
        """For the provenance."""
        return {
            "name": self.engine.name,
            "requested": self.requested,
            "notes": list(self.notes),
            "check": None if self.agreement is None else asdict(self.agreement),
        }


def choose_engine(
    name: str,
    model: nn.Module,
    image: Float[Tensor, "c h w"],
    targets: Sequence[Target],
    *,
    grid: PatchGrid,
    change: Change,
    activations: Sequence[float],
    batch_size: int | None,
    memory: str,
    graph: Graph | ExportError,
) -> Choice:
    """Build the engine of this name for (model, image, targets).

    ``auto`` takes delta when the model can be exported and delta agrees with dense on a few
    patches; otherwise dense, and says why.

    Raises:
        ExportError: when delta is asked for, which needs a graph.
        SettingError: when the memory budget cannot be read.
    """
    budget = parse_memory(memory)
    if isinstance(graph, ExportError):
        if name == "delta":
            raise graph
        dense = DenseEngine(model, image, targets, batch_size=batch_size)
        return Choice(dense, name, (str(graph), CONVENTION), None)
    dense = DenseEngine(model, image, targets, batch_size=batch_size, graph=graph)
    if name == "dense":
        return Choice(dense, name, (), graph)
    delta = DeltaEngine(graph, image, targets, memory_bytes=budget, batch_size=batch_size)
    if name == "delta":
        return Choice(delta, name, delta.notes, graph)
    agreement = compare(delta, dense, grid=grid, change=change, activations=activations)
    if agreement.agrees:
        return Choice(delta, name, delta.notes, graph, agreement)
    note = (
        f"delta differs from dense by {agreement.difference:.1e} of the peak on "
        f"{agreement.patches} patches, more than rounding explains: dense runs instead"
    )
    return Choice(dense, name, (note,), graph, agreement)
