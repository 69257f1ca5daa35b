"""What every engine does: disturb patches, read what changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from erf.geometry import PatchGrid

Disturb = Callable[
    [Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]], Float[Tensor, "n c patch patch"]
]
"""(patches, draws) -> what is added to the image inside each patch: a pure function of both."""


@dataclass(frozen=True)
class Reading:
    """Discrepancies of one batch of disturbances.

    Attributes:
        patches: flat indices into the patch grid.
        draws: the draw of each.
        values: one array a target, L2 change over the target's channels: ``(n,)`` for a target
            with a unit, ``(n, unit_rows, unit_cols)`` for a whole layer.
    """

    patches: Int64[np.ndarray, " n"]
    draws: Int64[np.ndarray, " n"]
    values: tuple[Float64[np.ndarray, "n ..."], ...]


@runtime_checkable
class Engine(Protocol):
    """Measures how much targets change when patches of one image are disturbed.

    An engine is built for (model, image, targets), all on one device, inside ``borrowed(model)``.
    """

    name: str
    exact: bool
    """Whether a patch without influence gives exactly zero."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know."""
        ...

    def measure(
        self, grid: PatchGrid, patches: Sequence[int], draws: Sequence[int], disturb: Disturb
    ) -> Iterator[Reading]:
        """Measure every (patch, draw), in whatever order and batches suit the engine."""
        ...
