"""The clean pass: run once, only what some operator's formula needs is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from erf.engines.delta.frame import Frame, cut_clean, map_dims
from erf.graph import BatchSize, Graph, Node


class CleanPass:
    """Clean activations, whole maps of one image.

    Args:
        graph: the exported model.
        image: the clean image.
        nodes: what is evaluated, in order.
        keep: nodes whose value is asked for later.
    """

    def __init__(
        self,
        graph: Graph,
        image: Float[Tensor, "c h w"],
        nodes: Sequence[Node],
        keep: frozenset[Node],
    ) -> None:
        self.graph, self.image = graph, image
        self.values: dict[Node, Tensor] = dict(graph.constants)
        self.padded: dict[tuple[Node, int, int], Tensor] = {}
        self.tiled: dict[tuple[Node, int], Tensor] = {}
        self._run(image, nodes, keep)

    def _run(self, image: Tensor, nodes: Sequence[Node], keep: frozenset[Node]) -> None:
        last = {source: position for position, n in enumerate(nodes) for source in n.inputs}
        for position, node in enumerate(nodes):
            if node is self.graph.image:
                self.values[node] = image[None]
            elif node not in self.values:
                self.values[node] = evaluate(node, self.values, 1)
            if node.layout is not None and node.layout.is_map and len(node.shape) == 4:
                value = self.values[node]
                self.values[node] = value.contiguous(memory_format=torch.channels_last)
            for spent in {node, *node.inputs}:
                if last.get(spent, -1) <= position and spent not in keep | set(
                    self.graph.constants
                ):
                    self.values.pop(spent, None)

    def cut(self, node: Node, frame: Frame) -> Float[Tensor, "patches ..."]:
        """The clean map under windows that lie inside it."""
        return cut_clean(self.values[node], frame, map_dims(node))

    def cut_canvas(
        self, node: Node, frame: Frame, margin: tuple[int, int]
    ) -> Float[Tensor, "patches ..."]:
        """The clean map under windows that reach up to ``margin`` beyond it, minus infinity
        outside."""
        key = (node, *margin)
        if key not in self.padded:
            widths = [margin[1], margin[1], margin[0], margin[0]]
            grown = pad(self.values[node], widths, value=-torch.inf)
            self.padded[key] = grown.contiguous(memory_format=torch.channels_last)
        return cut_clean(self.padded[key], frame, (2, 3), margin)

    def whole(self, node: Node, batch: int) -> Tensor:
        """The clean value as the operator would see it in a batch of this size.

        Where the batch is a dimension of its own, size 1 stands for any; where it is merged with
        others the operators that merged it are run on the whole batch.
        """
        layout = node.layout
        if layout is not None and layout.batch_dim is not None:
            return self.values[node]
        if layout is None and not any(isinstance(n, BatchSize) for n in node.call.symbolic):
            return self.values[node]
        if (node, batch) not in self.tiled:
            inputs = {source: self.expanded(source, batch) for source in node.inputs}
            self.tiled[node, batch] = evaluate(node, inputs, batch)
        return self.tiled[node, batch]

    def expanded(self, node: Node, batch: int) -> Tensor:
        """The same, with the batch written out."""
        value = self.whole(node, batch)
        layout = node.layout
        if layout is None or layout.batch_dim is None or value.shape[layout.batch_dim] == batch:
            return value
        shape = [-1] * value.ndim
        shape[layout.batch_dim] = batch
        return value.expand(shape)


def evaluate(node: Node, values: Mapping[Node, Tensor], batch: int) -> Tensor:
    """Run an operator on tensors of any memory layout: ``view`` insists on one, ``reshape`` does
    not."""
    if node.op in ("aten.view", "aten._unsafe_view"):
        return values[node.arguments["self"]].reshape(full_shape(node, batch))
    return node.evaluate(values, batch)


def full_shape(node: Node, batch: int) -> list[int]:
    """Shape of a node for a batch of this size."""
    return [n.at(batch) if isinstance(n, BatchSize) else n for n in node.call.symbolic]


def inputs_recursively(nodes: Iterable[Node]) -> set[Node]:
    """These nodes and all they are computed from, back to where the batch stands by itself."""
    found: set[Node] = set()
    queue = list(nodes)
    while queue:
        node = queue.pop()
        if node in found:
            continue
        found.add(node)
        if node.layout is None or node.layout.batch_dim is None:
            queue.extend(node.inputs)
    return found
