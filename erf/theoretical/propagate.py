"""All units' fields by one walk through the graph: ranges backwards, hulls forwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from erf.geometry.axis import Relation
from erf.graph import Certainty, Graph, Node, Read
from erf.theoretical.channels import classes_of
from erf.theoretical.classes import Classes
from erf.theoretical.extent import Extent, Range, stack, union

LEVELS: dict[Certainty, tuple[int | None, int | None, int | None]] = {
    Certainty.EXACT: (0, 1, 2),
    Certainty.GATHERED: (0, 1, 1),
    Certainty.SCATTERED: (0, 1, None),
    Certainty.PICKED: (0, 2, 2),
    Certainty.BOUND: (0, None, None),
}
"""Where each level of an output comes from: at most, whole tensor, each unit."""

MARGIN = 4
"""Imagined units beyond each border of a layer, to learn strides of maps with a single unit."""

Ranges = Mapping[Node, tuple[Range, Range]]


@dataclass(frozen=True)
class Walk:
    """A graph with what all its walks need.

    Attributes:
        nodes: those that depend on the image and that the targets need, in order.
        image: the node of the image.
        classes: classes of channels of each.
    """

    nodes: tuple[Node, ...]
    image: Node
    classes: Mapping[Node, Classes]

    @classmethod
    def to(cls, graph: Graph, targets: Iterable[Node]) -> Walk:
        """The part of a graph before some nodes."""
        read = {graph.image, *targets}
        for node in reversed(graph.all_nodes):
            if node in read:  # an operand of which only the shape is looked at is not read
                read.update(read_.source for read_ in node.origins)
        nodes = [node for node in graph.all_nodes if node in read]
        return cls(tuple(nodes), graph.image, classes_of(nodes))

    def clipped(self) -> dict[Node, Extent]:
        """Fields of all units within the image: taps in the padding read nothing."""
        ranges = {node: ((0, node.map_size[0]), (0, node.map_size[1])) for node in self.nodes}
        return self._forward(ranges, lambda relation: relation, bounded=True)

    def unclipped(self, targets: Iterable[Node]) -> dict[Node, Extent]:
        """Fields of the targets' units, and some beyond, as if maps and image had no border."""
        ranges = self._needed(targets)
        return self._forward(ranges, lambda relation: relation.unbounded, bounded=False)

    def _needed(self, targets: Iterable[Node]) -> Ranges:
        """The units of every node that some target reads, margins included."""
        hulls: dict[Node, list[Range]] = {}
        for node in targets:
            sizes = node.map_size
            margins = (MARGIN, MARGIN) if node.layout and node.layout.is_map else (0, 0)
            _widen(hulls, node, [(-m, n + m) for n, m in zip(sizes, margins, strict=True)])
        for node in reversed(self.nodes):
            for read in node.origins:
                wanted: list[Range] = []
                for relation, (lo, hi) in zip((read.rows, read.cols), hulls[node], strict=True):
                    first, last = relation.unbounded.reads(lo, hi)
                    wanted.append((int(first), int(last)))
                _widen(hulls, read.source, wanted)
        return {node: (rows, cols) for node, (rows, cols) in hulls.items()}

    def _forward(
        self, ranges: Ranges, kind: Callable[[Relation], Relation], bounded: bool
    ) -> dict[Node, Extent]:
        found: dict[Node, Extent] = {self.image: Extent.of_image(*ranges[self.image])}
        for node in self.nodes:
            if node is not self.image:
                found[node] = self._step(node, found, ranges[node], kind, bounded)
        return found

    def _step(
        self,
        node: Node,
        found: Mapping[Node, Extent],
        onto: tuple[Range, Range],
        kind: Callable[[Relation], Relation],
        bounded: bool,
    ) -> Extent:
        classes = self.classes[node]
        moved = [
            _read(read, found[read.source], node.map_size, onto, kind, bounded, known)
            for read, known in zip(node.origins, classes.known, strict=True)
        ]
        levels = max(part.rows.shape[1] for part in moved)
        if levels > 1:
            moved = [part.levels((0, 1, 2)) for part in moved]
        shape = (onto[0][1] - onto[0][0], onto[1][1] - onto[1][0])
        return stack([_gather(moved, wanted, shape) for wanted in classes.members])


def _widen(hulls: dict[Node, list[Range]], node: Node, wanted: Sequence[Range]) -> None:
    """Grow what is needed of a node; an empty interval asks for nothing."""
    have = hulls.get(node, [(0, 0), (0, 0)])
    hulls[node] = [_hull(a, b) for a, b in zip(have, wanted, strict=True)]


def _hull(a: Range, b: Range) -> Range:
    if a[0] >= a[1] or b[0] >= b[1]:
        return b if a[0] >= a[1] else a
    return min(a[0], b[0]), max(a[1], b[1])


def _read(
    read: Read,
    source: Extent,
    outputs: tuple[int, int],
    onto: tuple[Range, Range],
    kind: Callable[[Relation], Relation],
    bounded: bool,
    known: bool,
) -> Extent:
    """Fields of outputs through one read."""
    sizes = read.source.map_size
    if read.pairs is not None:
        moved = source.along(read.pairs, sizes, outputs, onto)
        exact = known and read.certainty is Certainty.EXACT
        return (
            moved if exact else moved.levels(LEVELS[read.certainty if known else Certainty.BOUND])
        )
    for axis, relation in enumerate((read.rows, read.cols)):
        relation = kind(relation)
        source = source.through(relation, axis, onto[axis], sizes[axis] if bounded else None)
    certainty = read.certainty if known else Certainty.BOUND
    exact = certainty is Certainty.EXACT
    return source if exact else source.levels(LEVELS[certainty])


def _gather(
    moved: Sequence[Extent], wanted: Sequence[Sequence[int]], shape: tuple[int, int]
) -> Extent:
    """The field of one class of channels: what it reads of each class of each source."""
    parts = [
        part if part.rows.shape[2] == 1 else part.classes([index])
        for part, indices in zip(moved, wanted, strict=True)
        for index in indices
    ]
    return union(parts, shape) if parts else moved[0].nothing()
