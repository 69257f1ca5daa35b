"""Channels of a node that share a field: one class each."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from jaxtyping import Int64

from erf.graph import Axis, Layout

Labels = Int64[np.ndarray, "..."]
Members = tuple[tuple[int, ...], ...]
"""For each read of a node, the classes of its source."""


@dataclass(frozen=True)
class Classes:
    """Classes of a node's channels.

    Attributes:
        labels: class of every channel, shaped like the tensor without its batch and positions.
        members: for each class, which classes of each read's source it reads.
        known: for each read, whether these members are certain, or only all that there are.
        apart: whether channels of one position may read unlike positions (see `Read.apart`).
    """

    labels: Labels
    members: tuple[Members, ...]
    known: tuple[bool, ...]
    apart: bool = False

    @property
    def count(self) -> int:
        """How many classes there are."""
        return len(self.members)


def channel_shape(layout: Layout) -> tuple[int, ...]:
    """Channels in each dimension."""
    return tuple(prod(g.size for g in dim if g.axis is Axis.CHANNEL) for dim in layout.dims)


def grown(labels: Labels, rank: int) -> Labels:
    """With empty dimensions in front, as broadcasting aligns them."""
    return labels.reshape((1,) * (rank - labels.ndim) + labels.shape)
