"""Choosing an engine, and saying which and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from erf.engines.check import hold_against
from erf.engines.delta import DeltaEngine
from erf.engines.dense import DenseEngine
from erf.engines.engine import Disturb, Engine
from erf.engines.report import Agreement, EngineReport
from erf.errors import ExportError, ModelError
from erf.geometry import PatchGrid, Target
from erf.graph import Graph
from erf.memory import parse_memory
from erf.settings import Disturbance

CONVENTION = "layers are read as (n, channels, rows, cols), which only an export could confirm"
"""What dense takes for granted where there is no graph."""


@dataclass(frozen=True)
class Choice:
    """The engine that runs, built and ready, and what there is to say about it."""

    engine: Engine
    report: EngineReport

    @classmethod
    def of(
        cls,
        engine: Engine,
        requested: str,
        notes: tuple[str, ...] = (),
        check: Agreement | None = None,
    ) -> Choice:
        """An engine with what it says of itself, and some notes more."""
        notes = (*engine.notes, *notes)
        return cls(engine, EngineReport(engine.name, engine.exact, requested, notes, check))


def choose_engine(
    settings: Disturbance,
    model: nn.Module,
    image: Float[Tensor, "c h w"],
    targets: Sequence[Target],
    *,
    grid: PatchGrid,
    disturb: Disturb,
    activations: Sequence[float],
    graph: Graph | ExportError | None,
    alone: bool = False,
    notes: tuple[str, ...] = (),
) -> Choice:
    """Build the engine that the settings name for (model, image, targets).

    ``auto`` takes delta when the model can be exported and delta agrees with dense on a few
    patches; otherwise dense, and says why.

    A model whose images must run alone is measured by dense, one image a pass.

    Raises:
        ExportError: when delta is asked for, which needs a graph.
        ModelError: when delta is asked for, and images must run alone.
    """
    name, batch = settings.engine, settings.batch_size
    if alone:
        if name == "delta":
            raise ModelError(f"engine 'delta' runs images together, but {'; '.join(notes)}")
        known = graph if isinstance(graph, Graph) else None
        return Choice.of(DenseEngine(model, image, targets, batch_size=1, graph=known), name, notes)
    if not isinstance(graph, Graph):
        why = graph or ExportError("the subject was made without a graph")
        if name == "delta":
            raise why
        dense = DenseEngine(model, image, targets, batch_size=batch)
        return Choice.of(dense, name, (*notes, str(why), CONVENTION))
    dense = DenseEngine(model, image, targets, batch_size=batch, graph=graph)
    if name == "dense":
        return Choice.of(dense, name, notes)
    budget = parse_memory(settings.memory)
    delta = DeltaEngine(graph, image, targets, memory_bytes=budget, batch_size=batch)
    if name == "delta":
        return Choice.of(delta, name, notes)
    agreement = hold_against(
        delta,
        dense,
        grid=grid,
        disturb=disturb,
        activations=activations,
        places=[place_of(each, graph) for each in targets if each.unit is not None],
    )
    if agreement.agrees:
        return Choice.of(delta, name, notes, agreement)
    note = (
        f"delta differs from dense by {agreement.difference:.1e} of the peak on "
        f"{agreement.patches} patches, more than rounding explains: dense runs instead"
    )
    return Choice.of(dense, name, (*notes, note), agreement)


def place_of(target: Target, graph: Graph) -> tuple[float, float]:
    """Where a unit stands in its layer, in shares of the layer's sides."""
    assert target.unit is not None
    node = graph.layer(target.layer)
    sizes = node.map_size[::-1] if node.layout and node.layout.turned else node.map_size
    row, col = (
        min((at + 0.5) / size, 1 - 1e-9) for at, size in zip(target.unit, sizes, strict=True)
    )
    return row, col
