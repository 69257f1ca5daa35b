"""From a PyTorch model to our graph, through ``torch.export``."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.fx import Node as FxNode

from erf.errors import ExportError
from erf.graph.graph import Graph
from erf.graph.layout import Layout
from erf.graph.mark import MARK
from erf.graph.node import BatchSize, Call, Effect, Node, constant_value
from erf.graph.refusal import fallback, refusal
from erf.graph.rules import effect_of
from erf.graph.shape_only import without_examples
from erf.graph.tokens import TokenGrid, on_grid, token_dim, token_grids
from erf.graph.tracing import is_wrapped, trace
from erf.scripted import CLOSED, Scripted


def export(model: nn.Module, image_shape: Sequence[int]) -> Graph:
    """Export a model, in evaluation mode, to a graph with spatial rules.

    The model is left as it was: mode, hooks and parameters. Nothing is computed: only shapes
    are traced.

    Args:
        model: any module that takes one image.
        image_shape: (n, channels, rows, cols); n is ignored, the batch is left open.

    Raises:
        ExportError: when the model cannot be traced, or does not take such an image.
    """
    if isinstance(model, Scripted):
        raise ExportError(f"the model is {CLOSED}. {fallback(model, image_shape)}")
    program, any_batch = trace(model, image_shape)
    try:
        return _Translator(program, any_batch, is_wrapped(model)).graph()
    except ExportError as error:
        raise ExportError(f"{error}. {fallback(model, image_shape)}") from error
    except Exception as error:  # whatever torch.export writes that is not foreseen here
        raise ExportError(refusal(model, image_shape, error)) from error


def try_export(model: nn.Module, image_shape: Sequence[int]) -> Graph | ExportError:
    """The graph of a model, or why there is none; arguments as of ``export``."""
    try:
        return export(model, image_shape)
    except ExportError as error:
        return error


class _Translator:
    """Turns the nodes of an exported program into ours, one after the other."""

    def __init__(self, program: ExportedProgram, any_batch: bool, bound: bool) -> None:
        self.program = program
        self.any_batch = any_batch
        self.bound = bound
        self.nodes: dict[FxNode, Node] = {}
        self.constants: dict[Node, Tensor] = {}
        self.layers: dict[str, dict[int, dict[str, Node]]] = {}
        self.image: Node | None = None
        self.sizes: dict[Any, int] = {}
        """Of constants whose size follows from their values, such as the places of a mask."""

    def graph(self) -> Graph:
        """Translate everything."""
        outputs: list[Node] = []
        for fx in self.program.graph.nodes:
            if fx.op == "output":
                outputs = [self.nodes[o] for o in _leaves(fx.args) if o in self.nodes]
            elif fx.target is MARK:
                self._note_layer(fx)
            elif isinstance(fx.meta.get("val"), Tensor):
                self.nodes[fx] = self._node(fx)
        if self.image is None:
            raise ExportError("the exported model does not take an image")
        layers = {path: tuple(calls.values()) for path, calls in self.layers.items()}
        nodes = list(self.nodes.values())
        tokens = _read_tokens(nodes, layers)
        return Graph(
            tuple(nodes),
            self.image,
            self.constants,
            layers,
            tuple(outputs),
            self.any_batch,
            tokens,
        )

    def _note_layer(self, fx: FxNode) -> None:
        arguments: tuple[Any, ...] = fx.args
        source, path, call, member = arguments
        self.layers.setdefault(path, {}).setdefault(call, {})[member] = self.nodes[source]

    def _node(self, fx: FxNode) -> Node:
        if fx.op == "call_function":
            call = self._call(fx)
            return Node(call, effect_of(call))
        tensor = self._constant(fx)
        call = _entry(fx, "input" if tensor is None else "constant")
        if tensor is not None:
            node = Node(call, Effect(None), tensor)
            self.constants[node] = tensor
            return node
        if self.image is not None or len(call.shape) != 4:
            raise ExportError(f"the model takes more than one image: {fx.name}")
        self.image = Node(call, Effect(Layout.plain(call.shape)))
        return self.image

    def _constant(self, fx: FxNode) -> Tensor | None:
        """The tensor behind a placeholder or attribute; None for the image."""
        program, signature = self.program, self.program.graph_signature
        if fx.op == "get_attr":
            tensor: Tensor = operator.attrgetter(str(fx.target))(program.graph_module)
            return tensor
        for names in (
            signature.inputs_to_parameters,
            signature.inputs_to_buffers,
            signature.inputs_to_lifted_tensor_constants,
        ):
            if fx.name in names:
                name = names[fx.name]
                found = program.state_dict.get(name, program.constants.get(name))
                assert isinstance(found, Tensor), name
                return found
        return None

    def _call(self, fx: FxNode) -> Call:
        source, output = fx, None
        if fx.target is operator.getitem:
            arguments: tuple[Any, ...] = fx.args
            source, output = arguments
        target: Any = source.target
        given = self._arguments(target, source)
        self._measure(fx.meta["val"], target, given, output)
        shape, symbolic = _shapes(fx.meta["val"], self.sizes)
        target, named = without_examples(target, given, symbolic, fx.meta["val"].dtype)
        return Call(
            name=fx.name,
            op=_op_name(target),
            target=target,
            arguments=named,
            output=output,
            shape=shape,
            symbolic=symbolic,
            dtype=fx.meta["val"].dtype,
            module=_module_path(source, self.bound),
        )

    def _measure(
        self, value: Tensor, target: Any, arguments: dict[str, Any], output: int | None
    ) -> None:
        """Learn sizes that only running an operator tells, if constants alone decide them."""
        if all(_hint(size) is not None or _symbol(size) in self.sizes for size in value.shape):
            return
        call = Call("", _op_name(target), target, arguments, output, (), (), value.dtype, "")
        looked_up = call.op == "aten.index" and call["self"] in call.sources
        if call.sources != ([call["self"]] if looked_up else []):
            return
        found = constant_value(Node(call, Effect(None)))
        for size, known in zip(value.shape, found.shape, strict=True):
            if _hint(size) is None:
                self.sizes.setdefault(_symbol(size), known)

    def _arguments(self, target: Any, fx: FxNode) -> dict[str, Any]:
        """Bind positional arguments and defaults to the names of the operator's schema."""
        given = [self._value(arg) for arg in fx.args]
        named = {name: self._value(arg) for name, arg in fx.kwargs.items()}
        schema = getattr(target, "_schema", None)
        if schema is None:
            return {f"argument{i}": value for i, value in enumerate(given)} | named
        bound: dict[str, Any] = {}
        for index, argument in enumerate(schema.arguments):
            if index < len(given) and not argument.kwarg_only:
                bound[argument.name] = given[index]
            elif argument.name in named:
                bound[argument.name] = named[argument.name]
            elif argument.has_default_value():
                bound[argument.name] = argument.default_value
        return bound

    def _value(self, arg: Any) -> Any:
        if isinstance(arg, FxNode):
            return self.nodes[arg] if arg in self.nodes else self._no_tensor(arg)
        if isinstance(arg, torch.SymInt):
            return _integer(arg, self.sizes)
        if isinstance(arg, (list, tuple)):
            return [self._value(item) for item in arg]
        return arg

    def _no_tensor(self, fx: FxNode) -> Any:
        """An integer, or the graph that a control flow operator runs."""
        if fx.op == "get_attr":
            return operator.attrgetter(str(fx.target))(self.program.graph_module)
        return _integer(fx.meta["val"], self.sizes)


def _read_tokens(
    nodes: list[Node], layers: Mapping[str, Sequence[dict[str, Node]]]
) -> dict[Node, TokenGrid]:
    """Have layers of tokens with others among them read as their grid, by nodes that are added."""
    grids, grown = token_grids(nodes), dict[Node, Node]()
    found: dict[Node, TokenGrid] = {}
    for calls in layers.values():
        for members in calls:
            for member, node in members.items():
                grid = grids.get(node)
                dim = None if grid is None else token_dim(node, grid)
                if grid is None or dim is None:
                    continue
                if node not in grown:
                    added = on_grid(node, grid, dim)
                    nodes += added
                    grown[node] = added[-1]
                    found[added[-1]] = grid
                members[member] = grown[node]
    return found


def _entry(fx: FxNode, op: str) -> Call:
    shape, symbolic = _shapes(fx.meta["val"], {})
    return Call(fx.name, op, None, {}, None, shape, symbolic, fx.meta["val"].dtype, "")


def _op_name(target: Any) -> str:
    if isinstance(target, torch._ops.OpOverload):
        return f"{target.namespace}.{target._opname}"
    if isinstance(target, torch._ops.HigherOrderOperator):
        return f"higher_order.{target.__name__}"
    return getattr(target, "__name__", str(target))


def _shapes(
    value: Tensor, known: Mapping[Any, int]
) -> tuple[tuple[int, ...], tuple[int | BatchSize, ...]]:
    symbolic = tuple(_integer(size, known) for size in value.shape)
    hints = tuple(
        _hint(size) if isinstance(given, BatchSize) else given
        for size, given in zip(value.shape, symbolic, strict=True)
    )
    if None in hints:
        raise ExportError(f"a size of shape {tuple(map(str, value.shape))} depends on values")
    return tuple(int(hint) for hint in hints if hint is not None), symbolic


def _hint(size: Any) -> int | None:
    """Its value in the example; None where no example tells."""
    given: Any = size
    return given.node.hint if hasattr(given, "node") else given


def _symbol(size: Any) -> Any:
    return size.node.expr


def _integer(value: Any, known: Mapping[Any, int]) -> Any:
    """A plain value, or how it follows from the batch."""
    if not isinstance(value, torch.SymInt):
        return value
    expression = value.node.expr.subs(known)
    symbols = list(expression.free_symbols)
    if not symbols:
        return int(expression)
    if len(symbols) > 1:
        raise ExportError(f"size {expression} depends on more than the batch")
    return BatchSize(partial(_substitute, expression, symbols[0]))


def _substitute(expression: Any, symbol: Any, batch: int) -> int:
    return int(expression.subs(symbol, batch))


def _module_path(fx: FxNode, bound: bool) -> str:
    stack = fx.meta.get("nn_module_stack") or {}
    paths = [path for path, _ in stack.values() if not path.startswith("_empty")]
    path = str(paths[-1]).split("@")[0] if paths else ""
    return path.removeprefix("model").removeprefix(".") if bound else path


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    else:
        yield value
