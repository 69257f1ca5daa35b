"""One operator applied to one batch: what a rule can ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Inexact
from torch import Tensor

from erf.engines.delta.clean import CleanPass, full_shape
from erf.engines.delta.frame import Frame, Lane, cut_clean, map_dims, refit, whole_frame
from erf.engines.delta.prepared import Prepared
from erf.geometry.axis import Window
from erf.graph import Node


@dataclass(frozen=True, eq=False)
class Change:
    """A node's change: a window for each patch and draw, or, without a frame, everything.

    Attributes:
        values: patches times draws along the batch, draws running fastest.
        frame: where the windows are; None for whole tensors of any shape.
    """

    values: Inexact[Tensor, "batch ..."]
    frame: Frame | None


@dataclass(frozen=True, eq=False)
class Step:
    """One node, one batch.

    Attributes:
        node: its operator is applied.
        frame: where its windows are to be; None if the operator runs on whole tensors.
        patches, draws: the batch holds every draw of every patch.
        clean: the clean pass.
        changes: of the nodes before; a node that is missing does not change.
        prepared: once, for every batch.
    """

    node: Node
    frame: Frame | None
    patches: int
    draws: int
    clean: CleanPass
    changes: Mapping[Node, Change]
    prepared: Prepared

    @property
    def batch(self) -> int:
        """Disturbances in the batch."""
        return self.patches * self.draws

    def __getitem__(self, argument: str) -> Any:
        return self.node.arguments[argument]

    def get(self, argument: str, default: Any = None) -> Any:
        """An argument that not every overload of the operator has."""
        return self.node.arguments.get(argument, default)

    def changed(self, source: object) -> bool:
        """Whether an argument is a node that changes."""
        return isinstance(source, Node) and source in self.changes

    def change(self, source: Node, frame: Frame | None = None) -> Tensor:
        """The change of an input: whole, or on windows (this step's unless others are given)."""
        change = self.changes[source]
        if self.frame is None:
            return self._embedded(source, change)
        if change.frame is None or (frame is None and source.map_size == (1, 1)):
            return change.values
        return refit(change.values, change.frame, frame or self.frame, map_dims(source))

    def _embedded(self, source: Node, change: Change) -> Tensor:
        if change.frame is None:
            return change.values
        size = source.map_size
        return refit(change.values, change.frame, whole_frame(size, self.patches), map_dims(source))

    @property
    def shape(self) -> list[int]:
        """Of the change to be computed."""
        shape = full_shape(self.node, self.batch)
        if self.frame is not None:
            for dim, length in zip(map_dims(self.node), self.frame.size, strict=True):
                shape[dim] = length
        return shape

    def change_or_zero(self, source: Node, frame: Frame | None = None) -> Tensor:
        """The change of an input, zeros if there is none."""
        if source in self.changes:
            return self.change(source, frame)
        shape = full_shape(source, self.batch)
        if self.frame is not None:
            size = (frame or self.frame).size
            for dim, length in zip(map_dims(self.node), size, strict=True):
                shape[dim] = min(length, shape[dim]) if frame is None else length
            shape[0] = self.batch
        return torch.zeros(shape, dtype=self.reference.dtype, device=self.reference.device)

    @property
    def reference(self) -> Tensor:
        """Some change, for its type and device; of a complex one the real part."""
        values = [change.values for change in self.changes.values()]
        for value in values:
            if value.is_floating_point():
                return value
        for value in values:
            if value.is_complex():
                return torch.view_as_real(value)
        image = self.clean.image
        return torch.zeros((), dtype=image.dtype, device=image.device)

    def spread(self, change: Tensor) -> Tensor:
        """Patches and draws apart, to meet clean windows, which have one draw."""
        if self.frame is None:
            return change
        return change.view(self.patches, self.draws, *change.shape[1:])

    def gather(self, change: Tensor) -> Tensor:
        """The inverse of `spread`."""
        return change if self.frame is None else change.flatten(0, 1)

    def operand(self, source: Node, frame: Frame | None = None) -> Tensor:
        """The clean value of an input, to be met by `spread` changes."""
        if self.frame is None:
            return self.clean.whole(source, self.batch)
        if source.layout is not None and source.layout.is_map and source.map_size != (1, 1):
            return self.clean.cut(source, frame or self.frame)[:, None]
        value = self.clean.values[source]
        return self._constant(value) if source.layout is None else value[:, None]

    def _constant(self, value: Tensor) -> Tensor:
        """A constant of which rows or columns may have to be cut like the windows."""
        assert self.frame is not None
        rank = len(self.node.shape)
        lanes: list[Lane] = []
        grown = value.reshape((1,) * (rank - value.ndim) + value.shape) if value.ndim else value
        for dim, lane in zip(map_dims(self.node), (self.frame.rows, self.frame.cols), strict=True):
            if value.ndim == 0 or grown.shape[dim] == 1:
                lanes.append(Lane(lane.lo * 0, 1))
            else:
                lanes.append(lane)
        if value.ndim == 0 or all(grown.shape[dim] == 1 for dim in map_dims(self.node)):
            return grown[:, None] if value.ndim else value
        return cut_clean(grown, Frame(*lanes), map_dims(self.node))[:, None]

    def canvas(self, index: int = 0) -> Frame:
        """What a sliding window must see of an input to fill this step's windows."""
        assert self.frame is not None
        read = self.node.reads[index]
        assert isinstance(read.rows, Window)
        assert isinstance(read.cols, Window)
        return Frame(self.frame.rows.canvas(read.rows), self.frame.cols.canvas(read.cols))
