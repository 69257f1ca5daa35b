"""The graph of a model: operators in order, and which of them a module's output is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from erf.errors import LayerError
from erf.graph.node import Node


@dataclass(frozen=True, eq=False)
class Graph:
    """An exported model.

    Attributes:
        nodes: in an order in which they can be run; the image first.
        image: the node that stands for the image.
        constants: parameters, buffers and other tensors by the node that stands for them: the
            model's own, not copies.
        layers: module path to calls, a call being the nodes of the tensors it returned, in order.
            A module that is called twice has two calls.
        outputs: what the model returns.
        any_batch: whether the batch may differ from the exported one.
    """

    nodes: tuple[Node, ...]
    image: Node
    constants: Mapping[Node, Tensor]
    layers: Mapping[str, tuple[tuple[Node, ...], ...]]
    outputs: tuple[Node, ...]
    any_batch: bool

    @property
    def image_size(self) -> tuple[int, int]:
        """(rows, cols) the graph was exported for."""
        rows, cols = self.image.shape[-2:]
        return rows, cols

    def layer(self, path: str, call: int = -1) -> Node:
        """The output of a module: of its last call, and of several tensors the first map.

        Args:
            path: as in ``model.named_modules()``; empty for the model itself.
            call: which call, where the module is called more than once.

        Raises:
            LayerError: when there is no such module, or it is not called as one.
        """
        calls = self.layers.get(path)
        if not calls:
            raise LayerError(self._missing(path))
        if not -len(calls) <= call < len(calls):
            raise LayerError(f"layer {path!r} is called {len(calls)} times, so not {call}")
        found = calls[call]
        maps = [node for node in found if node.layout is not None and node.layout.is_map]
        return (maps or found)[0]

    def _missing(self, path: str) -> str:
        head = path.split(".")[0]
        near = [name for name in self.layers if name.split(".")[0] == head and name]
        names = near or [name for name in self.layers if name]
        some = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        return f"no layer {path!r} is called in the model; there are {some}"

    def before(self, targets: Iterable[Node]) -> list[Node]:
        """The nodes that ``targets`` depend on, they included, in order."""
        wanted = set(targets)
        for node in reversed(self.nodes):
            if node in wanted:
                wanted.update(node.inputs)
        return [node for node in self.nodes if node in wanted]

    def run(self, image: Float[Tensor, "n c h w"], targets: Iterable[Node]) -> dict[Node, Tensor]:
        """Evaluate ``targets`` plainly, on whole maps: a reference, and a way to get clean values.

        Tensors are freed after their last use.
        """
        wanted = list(targets)
        order = self.before(wanted)
        last: dict[Node, int] = {}
        for position, node in enumerate(order):
            last.update(dict.fromkeys(node.inputs, position))
        values: dict[Node, Tensor] = {}
        for position, node in enumerate(order):
            if node is self.image:
                values[node] = image
            elif node in self.constants:
                values[node] = self.constants[node]
            else:
                values[node] = node.evaluate(values, len(image))
            for spent in {n for n in node.inputs if last[n] == position} - set(wanted):
                del values[spent]
        return {node: values[node] for node in wanted}
