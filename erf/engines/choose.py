"""Choosing an engine, and saying which and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from erf.engines.dense import DenseEngine
from erf.engines.engine import Change, Engine
from erf.geometry import PatchGrid, Target
from erf.result import TheoreticalExtent


@dataclass(frozen=True)
class Choice:
    """The engine that runs, and what there is to say about it.

    Attributes:
        engine: built and ready.
        requested: the name that was asked for.
        notes: sentences for the user and the provenance.
        extents: theoretical extent of each target's unit, where it could be derived.
        check: comparison of a few patches with the dense engine, if there was one.
    """

    engine: Engine
    requested: str
    notes: tuple[str, ...] = ()
    extents: Sequence[TheoreticalExtent | None] = ()
    check: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """For the provenance."""
        return {
            "name": self.engine.name,
            "requested": self.requested,
            "notes": list(self.notes),
            "check": self.check,
        }


def choose_engine(
    name: str,
    model: nn.Module,
    image: Float[Tensor, "c h w"],
    targets: Sequence[Target],
    *,
    grid: PatchGrid,
    change: Change,
    batch_size: int | None,
    memory: str,
) -> Choice:
    """Build the engine of this name for (model, image, targets)."""
    engine = DenseEngine(model, image, targets, batch_size=batch_size)
    return Choice(engine, name, extents=[None] * len(targets))
