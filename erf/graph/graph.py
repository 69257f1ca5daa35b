"""The graph of a model: operators in order, and which of them a module's output is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from jaxtyping import Float
from torch import Tensor

from erf.errors import LayerError
from erf.graph.node import Node
from erf.graph.tokens import TokenGrid, asked_grid, on_grid
from erf.layer_name import FUNCTION, LayerName


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
        grown, grids: nodes that were added for layers whose names say which grid their tokens are.
    """

    nodes: tuple[Node, ...]
    image: Node
    constants: Mapping[Node, Tensor]
    layers: Mapping[str, tuple[Mapping[str, Node], ...]]
    outputs: tuple[Node, ...]
    any_batch: bool
    tokens: Mapping[Node, TokenGrid]
    grown: dict[tuple[Node, tuple[int, int, int]], list[Node]] = field(default_factory=dict)
    grids: dict[Node, TokenGrid] = field(default_factory=dict)

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
        node = self._function(name) if self.is_function(text) else self._output(name)
        if name.grid is None or node.layout is None or node.map_size == name.grid[:2]:
            return node
        if (node, name.grid) not in self.grown:
            grid, dim = asked_grid(node, name)
            added = on_grid(node, grid, dim)
            self.grown[node, name.grid] = added
            self.grids[added[-1]] = grid
        return self.grown[node, name.grid][-1]

    def token_grid(self, node: Node) -> TokenGrid | None:
        """Which of a layer's tokens are the grid, where there are others or a name says so."""
        return self.tokens.get(node, self.grids.get(node))

    def _output(self, name: LayerName) -> Node:
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
            raise LayerError(f"layer {name.text!r}: no such member; there are {there}")
        maps = [node for node in found.values() if node.layout is not None and node.layout.is_map]
        return (maps or list(found.values()))[0]

    def is_function(self, text: str) -> bool:
        """Whether a name is that of an operation that no module makes."""
        path = LayerName.parse(text).path
        return FUNCTION in path and path not in self.layers

    @cached_property
    def functions(self) -> Mapping[str, tuple[Node, ...]]:
        """Operations whose results no module puts out, by the module that makes them and a name.

        In the order in which they run: ``layer1.0/add`` has one node a block's addition.
        """
        put_out = {
            node for calls in self.layers.values() for call in calls for node in call.values()
        }
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            if node.reads and node.call.dtype.is_floating_point and node not in put_out:
                operation = node.op.rpartition(".")[2].strip("_")
                found.setdefault(f"{node.call.module}{FUNCTION}{operation}", []).append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}

    def function_names(self) -> Iterator[str]:
        """The names of all functional operations; of several of one name, each with its number."""
        names = {
            node: name if len(nodes) == 1 else f"{name}#{number}"
            for name, nodes in self.functions.items()
            for number, node in enumerate(nodes, start=1)
        }
        yield from (names[node] for node in self.nodes if node in names)

    def _function(self, name: LayerName) -> Node:
        nodes = self.functions.get(name.path)
        if nodes is None:
            head = name.path.partition(FUNCTION)[0]
            near = [each for each in self.functions if each.startswith(f"{head}{FUNCTION}")]
            some = ", ".join((near or list(self.functions))[:8]) or "none"
            raise LayerError(f"no operation {name.path!r} in the model; there are {some}")
        if name.call is not None and name.call > len(nodes):
            raise LayerError(f"layer {name.path!r} runs {len(nodes)} times, so not {name.call}")
        if name.keys:
            raise LayerError(f"layer {name.text!r} is one tensor, without members")
        return nodes[(name.call or 0) - 1]

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
        for node in reversed(self.all_nodes):
            if node in wanted:
                wanted.update(node.inputs)
        return [node for node in self.all_nodes if node in wanted]

    @property
    def all_nodes(self) -> list[Node]:
        """In order; last those that were added for the names of layers."""
        return [*self.nodes, *(node for added in self.grown.values() for node in added)]

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
