"""From a graph to theoretical fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from erf.errors import LayerError
from erf.geometry.axis import Whole
from erf.geometry.rearrange import Digits
from erf.graph import Certainty, Graph, Node, Read
from erf.theoretical.extent import Extent
from erf.theoretical.field import Boxes, Spans, Status, TheoreticalField
from erf.theoretical.geometry import Geometry, geometry_of
from erf.theoretical.propagate import MARGIN, Walk
from erf.theoretical.support import support


def analyse(graph: Graph, layers: Sequence[str]) -> list[TheoreticalField]:
    """Theoretical fields of several layers, by two walks for all of them.

    Raises:
        LayerError: when a layer is unknown or does not depend on the image.
    """
    targets = {layer: graph.layer(layer) for layer in layers}
    for layer, node in targets.items():
        if node.layout is None:
            raise LayerError(f"layer {layer!r} does not depend on the image")
    if not targets:
        return []
    walk = Walk.to(graph, targets.values())
    clipped, unclipped = walk.clipped(), walk.unclipped(targets.values())
    causes = _causes(walk)
    return [
        _Layer(layer, node, graph, walk, clipped[node], unclipped[node], causes).field()
        for layer, node in targets.items()
    ]


@dataclass(frozen=True)
class _Cause:
    """Operators before a node that read everything, or that have no exact rule."""

    everything: frozenset[str] = frozenset()
    vague: frozenset[str] = frozenset()

    def with_(self, other: _Cause) -> _Cause:
        return _Cause(self.everything | other.everything, self.vague | other.vague)


def _causes(walk: Walk) -> dict[Node, _Cause]:
    causes: dict[Node, _Cause] = {}
    for node in walk.nodes:
        cause = _Cause(
            frozenset([node.op]) if _is_global(node) else frozenset(),
            frozenset([node.effect.reason]) if node.effect.reason else frozenset(),
        )
        for read, known in zip(node.origins, walk.classes[node].known, strict=True):
            cause = cause.with_(causes[read.source])
            if not known:
                several = "windows' taps" if walk.classes[read.source].apart else "several branches"
                cause = cause.with_(_Cause(vague=frozenset([f"{node.op} of {several}"])))
            elif node.effect.reason is None and read.certainty not in (
                Certainty.EXACT,
                Certainty.GATHERED,
            ):
                cause = cause.with_(_Cause(vague=frozenset([node.op])))
        causes[node] = cause
    return causes


def _is_global(node: Node) -> bool:
    """Whether each output reads all positions of an input, or positions all over it."""

    def far(read: Read) -> bool:
        if read.certainty in (Certainty.SCATTERED, Certainty.BOUND):
            return False
        pairs = zip((read.rows, read.cols), read.source.map_size, strict=True)
        spread = any(isinstance(rule, Whole | Digits) and size > 1 for rule, size in pairs)
        return spread or read.certainty is Certainty.GATHERED

    return any(far(read) for read in node.origins)


@dataclass(frozen=True)
class _Layer:
    """Everything known of one layer, on its way to a `TheoreticalField`."""

    name: str
    node: Node
    graph: Graph
    walk: Walk
    clipped: Extent
    unclipped: Extent
    causes: Mapping[Node, _Cause]

    def field(self) -> TheoreticalField:
        """Put together what a user sees."""
        inside = self._units(self.clipped, 0)
        status, reasons = self._status(inside)
        whole = status == "whole_image"
        rows, cols = self._geometry()
        if whole:
            rows, cols = (Geometry(size, None, None) for size in self.graph.image_size)
        units = self.node.map_size
        endless = inside if whole else self._units(self.unclipped, 0)
        return TheoreticalField(
            layer=self.name,
            image_size=self.graph.image_size,
            units=units[::-1] if self._turned else units,
            size=(rows.size, cols.size),
            stride=(rows.stride, cols.stride),
            padding=(rows.padding, cols.padding),
            status=status,
            reasons=reasons,
            channel_dim=self._channel_dim,
            _clipped=partial(self._boxes, inside),
            _unclipped=partial(self._boxes, endless),
            _support=partial(support, self.walk, self.node, self._turned),
            _spans=partial(self._spans, inside, endless),
        )

    @property
    def _turned(self) -> bool:
        assert self.node.layout is not None
        return self.node.layout.turned

    @property
    def _channel_dim(self) -> int:
        layout = self.node.layout
        assert layout is not None
        rest = {1, 2, 3} - {layout.row_dim, layout.col_dim}
        return rest.pop() if layout.is_map and len(layout.dims) == 4 else 1

    def _units(self, extent: Extent, level: int, margin: int = 0) -> Extent:
        """The layer's units, and so many imagined ones beyond each border."""
        rows, cols = self.node.map_size
        return extent.merged(level, ((-margin, rows + margin), (-margin, cols + margin)))

    def _boxes(self, extent: Extent) -> Boxes:
        return extent.boxes.swapaxes(0, 1) if self._turned else extent.boxes

    def _spans(self, inside: Extent, endless: Extent, clipped: bool) -> Spans:
        rows, cols = (inside if clipped else endless).spans
        return (cols, rows) if self._turned else (rows, cols)

    def _status(self, inside: Extent) -> tuple[Status, tuple[str, ...]]:
        cause = self.causes[self.node]
        if cause.vague and (self._units(self.clipped, 2).boxes != inside.boxes).any():
            return "upper_bound", tuple(sorted(cause.vague))
        image = (0, 0, *self.graph.image_size)
        if cause.everything and (inside.boxes == np.array(image)).all():
            return "whole_image", tuple(sorted(cause.everything))
        return "exact", ()

    def _geometry(self) -> tuple[Geometry, Geometry]:
        """Of fields without border, along rows and along columns."""
        assert self.node.layout is not None
        margin = MARGIN if self.node.layout.is_map else 0
        units = self._units(self.unclipped, 0, margin)
        if units.sparse:
            units = units.dense(units.boxes.shape[:2])
        rows, cols = units.intervals
        left, right = (ends.swapaxes(0, 1) for ends in cols)
        return geometry_of(*rows, margin), geometry_of(left, right, margin)
