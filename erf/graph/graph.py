"""The graph of a model: operators in order, and which of them a module's output is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from erf.errors import LayerError
from erf.graph.node import Node
from erf.graph.tokens import TokenGrid
from erf.layer_name import LayerName


@dataclass(frozen=True, eq=False)
class Graph:
    """An exported model.

    Attributes:
        nodes: in an order in which they can be run; the image first.
        image: the node that stands for the image.
        constants: parameters, buffers and other tensors by the node that stands for them: the
            model's own, not copies.
        layers: module path to calls, a call being the nodes of the tensors it returned, by what is
            to be added to its name: nothing for the tensor itself, ``[1]`` for a tuple's second. A
            module that is called twice has two calls.
        outputs: what the model returns.
        any_batch: whether the batch may differ from the exported one.
        tokens: which of the tokens are the grid, of layers that put out others too.
    """

    nodes: tuple[Node, ...]
    image: Node
    constants: Mapping[Node, Tensor]
    layers: Mapping[str, tuple[Mapping[str, Node], ...]]
    outputs: tuple[Node, ...]
    any_batch: bool
    tokens: Mapping[Node, TokenGrid]

    @property
    def image_size(self) -> tuple[int, int]:
        """(rows, cols) the graph was exported for."""
        rows, cols = self.image.shape[-2:]
        return rows, cols

    def layer(self, text: str) -> Node:
        """The output of a module: of its last call, unless another is named.

        Args:
            text: see `LayerName`; empty for the model itself.

        Raises:
            LayerError: when there is no such module, call or member, or it is not called as one.
        """
        name = LayerName.parse(text)
        try:
            calls = self.layers[name.path_among(self.layers)]
        except KeyError:
            raise LayerError(self._missing(name.path)) from None
        if name.call is not None and name.call > len(calls):
            raise LayerError(
                f"layer {name.path!r} is called {len(calls)} times, so not {name.call}"
            )
        members = calls[(name.call or 0) - 1]
        wanted = "".join(f"[{key}]" for key in name.keys)
        found = {each: node for each, node in members.items() if each.startswith(wanted)}
        if wanted in found:
            return found[wanted]
        if not found:
            there = ", ".join(f"{name.path or 'output'}{each}" for each in members)
            raise LayerError(f"layer {text!r}: no such member; there are {there}")
        maps = [node for node in found.values() if node.layout is not None and node.layout.is_map]
        return (maps or list(found.values()))[0]

    def names(self) -> Iterator[str]:
        """The names of all that can be asked: last calls, and each member of floating numbers.

        The model's own output is named where no module puts it out.
        """
        seen: set[Node] = set()
        for path in (*(path for path in self.layers if path), *([""] if "" in self.layers else ())):
            for member, node in self.layers[path][-1].items():
                if node.call.dtype.is_floating_point and (path or node not in seen):
                    yield f"{path or 'output'}{member}"
                seen.add(node)

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
