"""A node of the graph: one operator call, what its dimensions mean, what its outputs read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import torch
from scipy import sparse
from torch import Tensor, nn

from erf.geometry.axis import IDENTITY, Relation
from erf.graph.layout import Axis, Layout

Pairs = sparse.csr_array
"""(output positions, input positions), counted along rows first: entries are reads."""


@dataclass(frozen=True)
class BatchSize:
    """An integer argument that depends on the batch, such as ``64 * batch`` windows."""

    formula: Callable[[int], int]

    def at(self, batch: int) -> int:
        """Its value for a batch of this size."""
        return self.formula(batch)


class Certainty(Enum):
    """How much of what a `Read` says is known to be read, not only possibly read.

    A tensor whose positions are lost (see `Layout`) is one unit as a whole, of whose elements
    nothing is known but that they read some of it.
    """

    EXACT = "exact"
    """Each output position reads all that the relations say, and nothing else."""
    GATHERED = "gathered"
    """Each output sums over all lost positions: it reads what any of them reads."""
    SCATTERED = "scattered"
    """The output's positions are lost here: together they read all, one alone an unknown part."""
    PICKED = "picked"
    """Some of the lost positions become positions again: an unknown part."""
    BOUND = "bound"
    """Nothing is known: the relations are an upper bound."""


@dataclass(frozen=True, eq=False)
class Read:
    """What a node reads of one of its inputs, rows and columns apart.

    Attributes:
        source: the input.
        rows, cols: which of its rows an output row reads, and which columns.
        certainty: of these.
        pairs: where rows and columns are not independent (a causal mask, a view that cuts rows
            anew): which positions, rows first, read which; ``rows`` and ``cols`` are then bounds.
        apart: whether channels of one output position read unlike ones of these, as the taps of an
            unfolding do: together they read all, and what takes some of them alone, a part.
    """

    source: Node
    rows: Relation = IDENTITY
    cols: Relation = IDENTITY
    certainty: Certainty = Certainty.EXACT
    pairs: Pairs | None = field(default=None, repr=False)
    apart: bool = False


@dataclass(frozen=True, eq=False)
class Call:
    """One operator applied to arguments.

    Attributes:
        name: unique name in the graph.
        op: the operator without its overload, such as ``aten.conv2d``; ``input`` and ``constant``
            for what enters the graph.
        target: the callable itself.
        arguments: every argument by its name in the operator's schema, defaults included; nodes
            where tensors stand (also inside lists).
        output: which one of several outputs; None for operators with a single one.
        shape: of the output, with the batch the graph was exported with.
        symbolic: the same with `BatchSize` where it depends on the batch.
        dtype: of the output.
        module: path of the innermost module that made the call.
    """

    name: str
    op: str
    target: Callable[..., Any] | None
    arguments: Mapping[str, Any]
    output: int | None
    shape: tuple[int, ...]
    symbolic: tuple[int | BatchSize, ...]
    dtype: torch.dtype
    module: str

    def __getitem__(self, argument: str) -> Any:
        return self.arguments[argument]

    def get(self, argument: str, default: Any = None) -> Any:
        """An argument that not every overload of the operator has."""
        return self.arguments.get(argument, default)

    @property
    def inputs(self) -> list[Node]:
        """Tensor arguments in the order of the schema, lists flattened, repeats kept."""
        return list(_nodes(list(self.arguments.values())))

    @property
    def sources(self) -> list[Node]:
        """Those inputs that depend on the image."""
        return [node for node in self.inputs if node.layout is not None]


def _nodes(value: Any) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _nodes(item)


@dataclass(frozen=True, eq=False)
class Effect:
    """What a rule says of a call.

    Attributes:
        layout: meaning of the output's dimensions; None if the output does not depend on the
            image's values.
        reads: one for each input that does; an input may occur twice.
        reason: why the reads are an upper bound; None where they are exact.
        origins: what is read seen past inputs that by themselves read more, as scores of which a
            mask leaves a part do; of nodes further back. None where the reads say it.
    """

    layout: Layout | None
    reads: tuple[Read, ...] = ()
    reason: str | None = None
    origins: tuple[Read, ...] | None = None


@dataclass(frozen=True, eq=False)
class Node:
    """A call together with its spatial rule's answer. Compared by identity."""

    call: Call
    effect: Effect = field(repr=False)
    value: Tensor | None = field(default=None, repr=False)
    """Of a parameter, a buffer or another constant: the model's own tensor."""

    @property
    def name(self) -> str:
        """Unique name in the graph."""
        return self.call.name

    @property
    def op(self) -> str:
        """The operator, such as ``aten.conv2d``."""
        return self.call.op

    @property
    def arguments(self) -> Mapping[str, Any]:
        """Every argument by name, defaults included."""
        return self.call.arguments

    @property
    def inputs(self) -> list[Node]:
        """Tensor arguments in the order of the schema, lists flattened."""
        return self.call.inputs

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the output, with the batch the graph was exported with."""
        return self.call.shape

    @property
    def layout(self) -> Layout | None:
        """Meaning of the dimensions; None if it does not depend on the image."""
        return self.effect.layout

    @property
    def reads(self) -> tuple[Read, ...]:
        """What the output reads of each input that depends on the image."""
        return self.effect.reads

    @property
    def origins(self) -> tuple[Read, ...]:
        """What is read of the image's tensors in the end: `reads`, or seen past some of them."""
        return self.reads if self.effect.origins is None else self.effect.origins

    @property
    def map_size(self) -> tuple[int, int]:
        """(rows, cols) of the output's positions; (1, 1) for a vector."""
        return (1, 1) if self.layout is None else self.layout.map_size

    def evaluate(self, values: Mapping[Node, Tensor], batch: int) -> Tensor:
        """Run the operator on its inputs' ``values``.

        Args:
            values: a tensor for every node of `inputs`.
            batch: the batch size of the image.
        """
        assert self.call.target is not None, f"{self.name} enters the graph from outside"
        arguments = {k: _fill(v, values, batch) for k, v in self.arguments.items()}
        if hasattr(self.call.target, "_schema"):
            result = self.call.target(**arguments)
        else:  # control flow takes its arguments in order
            result = self.call.target(*arguments.values())
        return result if self.call.output is None else result[self.call.output]


def _fill(value: Any, values: Mapping[Node, Tensor], batch: int) -> Any:
    if isinstance(value, Node):
        return values[value]
    if isinstance(value, BatchSize):
        return value.at(batch)
    if isinstance(value, (list, tuple)):
        return [_fill(item, values, batch) for item in value]
    return value


def constant_value(node: Node, ones: bool = False) -> Tensor:
    """The value of a node that does not depend on the image's values.

    Args:
        node: the constant.
        ones: whether every parameter counts as one, so that only what is built in shows.

    Raises:
        ValueError: when there is none, as of a model without weights.
    """
    return _constant(node, ones, {})


def _constant(node: Node, ones: bool, known: dict[Node, Tensor]) -> Tensor:
    if node not in known:
        if node.value is None:
            values = {n: _value_or_shape(n, ones, known) for n in node.inputs}
            known[node] = _computed(node, values)
        elif ones and isinstance(node.value, nn.Parameter):
            known[node] = torch.ones(node.shape, dtype=node.call.dtype)
        elif node.value.is_meta:
            raise ValueError(f"{node.name} has no value on the meta device")
        else:
            known[node] = node.value.detach().cpu()
    return known[node]


def _computed(node: Node, values: Mapping[Node, Tensor]) -> Tensor:
    if node.call.target is None:
        raise ValueError(f"{node.name} has no value")
    value = node.evaluate(values, _export_batch(node)).detach()
    if value.is_meta:
        raise ValueError(f"{node.name} has no value on the meta device")
    return value.cpu()


def _value_or_shape(node: Node, ones: bool, known: dict[Node, Tensor]) -> Tensor:
    if node.layout is None:
        return _constant(node, ones, known)
    return torch.empty(node.shape, dtype=node.call.dtype)


def _export_batch(node: Node) -> int:
    """The batch of the example, by which sizes that follow it are filled in."""
    return next((s.layout.size(Axis.BATCH) for s in _ancestors(node) if s.layout), 2)


def _ancestors(node: Node) -> Iterator[Node]:
    """Everything before a node, each once, nearest first."""
    seen, left = {node}, [node]
    while left:
        for source in left.pop(0).inputs:
            if source not in seen:
                seen.add(source)
                left.append(source)
                yield source
