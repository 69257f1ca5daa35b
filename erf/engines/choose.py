"""Choosing an engine, and saying which and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from erf.dtype import HALF
from erf.engines.check import hold_against
from erf.engines.delta import DeltaEngine
from erf.engines.dense import DenseEngine
from erf.engines.engine import Disturb, Engine
from erf.engines.report import Agreement, EngineReport
from erf.errors import ExportError, ModelError, SettingError
from erf.geometry import PatchGrid, Target
from erf.graph import Graph
from erf.memory import show_memory
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


@dataclass(frozen=True, eq=False)
class Work:
    """What is to be measured, whichever engine does it.

    Attributes:
        model: in evaluation mode.
        image: the clean image, on the model's device.
        targets: what to watch.
        grid: of patches.
        disturb: the stimulus.
        activations: size of each target's clean response, which rounding is relative to.
        graph: of the model, why there is none, or None where none was asked for.
        memory: bytes that disturbances may take together.
    """

    model: nn.Module
    image: Float[Tensor, "c h w"]
    targets: Sequence[Target]
    grid: PatchGrid
    disturb: Disturb
    activations: Sequence[float]
    graph: Graph | ExportError | None
    memory: int

    def dense(self, batch_size: int | None) -> DenseEngine:
        """The engine that runs whole images."""
        graph = self.graph if isinstance(self.graph, Graph) else None
        return DenseEngine(
            self.model,
            self.image,
            self.targets,
            memory_bytes=self.memory,
            batch_size=batch_size,
            graph=graph,
        )


def choose_engine(
    settings: Disturbance, work: Work, *, alone: bool = False, notes: tuple[str, ...] = ()
) -> Choice:
    """Build the engine that the settings name.

    ``auto`` takes delta when the model can be exported and delta agrees with dense on a few
    patches; otherwise dense, and says why.

    Args:
        settings: engine, batch size and memory.
        work: what is to be measured.
        alone: whether images must run one a pass: dense then does.
        notes: what else there is to say.

    Raises:
        ExportError: when delta is asked for, which needs a graph.
        ModelError: when delta is asked for, and images must run alone.
        SettingError: when delta is asked for, and not one disturbance fits the memory, or of a
            model in half precision.
    """
    name, graph = settings.engine, work.graph
    if work.image.dtype in HALF:
        return _in_half(settings, work, alone, notes)
    if alone:
        if name == "delta":
            raise ModelError(f"engine 'delta' runs images together, but {'; '.join(notes)}")
        return Choice.of(work.dense(1), name, notes)
    dense = work.dense(settings.batch_size)
    if not isinstance(graph, Graph):
        why = graph or ExportError("the subject was made without a graph")
        if name == "delta":
            raise why
        return Choice.of(dense, name, (*notes, str(why), CONVENTION))
    if name == "dense":
        return Choice.of(dense, name, notes)
    delta = DeltaEngine(
        graph,
        work.image,
        work.targets,
        memory_bytes=work.memory,
        batch_size=settings.batch_size,
    )
    if settings.batch_size is None and (needed := delta.least_memory(work.grid)) > work.memory:
        large = (
            f"one disturbance needs {show_memory(needed)} in the delta engine, and --memory leaves "
            f"{show_memory(work.memory)} beside the model, its clean maps and the result"
        )
        if name == "delta":
            raise SettingError(large)
        return Choice.of(dense, name, (*notes, f"{large}: dense runs instead"))
    return Choice.of(delta, name, notes) if name == "delta" else _agreed(delta, dense, work, notes)


def _in_half(settings: Disturbance, work: Work, alone: bool, notes: tuple[str, ...]) -> Choice:
    """Whole images, for a model in half precision."""
    kind = str(work.image.dtype).removeprefix("torch.")
    if settings.engine == "delta":
        raise SettingError(
            f"engine 'delta' computes in float32 or float64, the model in {kind}: in so few digits "
            "a change is lost in rounding; engine 'dense' runs it as it is"
        )
    lost = f"{torch.finfo(work.image.dtype).eps:.0e}"
    note = f"the model computes in {kind}: changes below about {lost} of the activation are lost"
    return Choice.of(
        work.dense(1 if alone else settings.batch_size), settings.engine, (*notes, note)
    )


def _agreed(delta: DeltaEngine, dense: DenseEngine, work: Work, notes: tuple[str, ...]) -> Choice:
    """Delta where it agrees with dense on a few patches."""
    agreement = hold_against(
        delta,
        dense,
        grid=work.grid,
        disturb=work.disturb,
        activations=work.activations,
        places=[place_of(each, delta.graph) for each in work.targets if each.unit is not None],
    )
    if agreement.agrees:
        return Choice.of(delta, "auto", notes, agreement)
    note = (
        f"delta differs from dense by {agreement.difference:.1e} of the peak on "
        f"{agreement.patches} patches, more than rounding explains: dense runs instead"
    )
    return Choice.of(dense, "auto", (*notes, note), agreement)


def place_of(target: Target, graph: Graph) -> tuple[float, float]:
    """Where a unit stands in its layer, in shares of the layer's sides."""
    assert target.unit is not None
    node = graph.layer(target.layer)
    sizes = node.map_size[::-1] if node.layout and node.layout.turned else node.map_size
    row, col = (
        min((at + 0.5) / size, 1 - 1e-9) for at, size in zip(target.unit, sizes, strict=True)
    )
    return row, col
