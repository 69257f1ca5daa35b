"""One export a model and image shape: graphs are kept while the model lives and stays the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from erf.binding import Binding, binding_of
from erf.errors import ExportError
from erf.graph.exporting import export
from erf.graph.graph import Graph

MOST = 8
"""Shapes that are kept of one model: graphs hold no copies of weights, but thousands of nodes."""

SIMPLE = (int, float, str, bytes, bool, complex, type(None), list, tuple, dict, set, frozenset)
"""Attributes of a module that are told apart by what they print, all others by what they are."""

GRAPHS: WeakKeyDictionary[nn.Module, OrderedDict[Hashable, Graph | ExportError]] = (
    WeakKeyDictionary()
)


def graph_of(model: nn.Module, image_shape: Sequence[int]) -> Graph:
    """The graph of a model for images of one shape, exported when first asked for.

    It is exported anew when the model has changed in anything that decides its graph: modules,
    hooks, ``forward``, attributes of a module, or which tensors are its parameters and buffers.
    What a ``forward`` reads from elsewhere (a global variable) is not seen; ``erf.graph.export``
    always exports.

    Args:
        model: any module that takes one image.
        image_shape: (n, channels, rows, cols); n is ignored.

    Raises:
        ExportError: when the model cannot be exported; this too is remembered.
    """
    found = try_graph_of(model, image_shape)
    if isinstance(found, ExportError):
        raise found
    return found


def try_graph_of(model: nn.Module, image_shape: Sequence[int]) -> Graph | ExportError:
    """The graph of a model, or why there is none; as `graph_of`."""
    binding = binding_of(model)
    key = (
        tuple(image_shape[1:]),
        structure_of(model),
        None if binding is None else binding.identity,
    )
    graphs = GRAPHS.setdefault(model, OrderedDict())
    if key not in graphs:
        try:
            # Tracing a random model draws random numbers, which are the caller's.
            with torch.random.fork_rng():
                graphs[key] = export(model, image_shape)
        except ExportError as error:
            # Without its traceback, whose frames hold the model: the entry would keep it alive.
            graphs[key] = error.with_traceback(None)
            error.__cause__ = error.__context__ = None
        while len(graphs) > MOST:
            graphs.popitem(last=False)
    return graphs[key]


def structure_of(model: nn.Module) -> Hashable:
    """What decides a model's graph: two equal answers of one living model mean the same graph."""
    return tuple(_module(path, module) for path, module in model.named_modules())


def _module(path: str, module: nn.Module) -> Hashable:
    tensors = tuple(
        (name, id(tensor), str(tensor.dtype), str(tensor.device), tuple(tensor.shape))
        for kind in (module._parameters, module._buffers)
        for name, tensor in kind.items()
        if isinstance(tensor, Tensor)
    )
    attributes = tuple(
        (name, repr(value) if isinstance(value, SIMPLE) else id(value))
        for name, value in sorted(vars(module).items())
        if not name.startswith("_") and name != "training"
    )
    before = (each for each in module._forward_pre_hooks.values() if not isinstance(each, Binding))
    hooks = (*module._forward_hooks.values(), *before)
    forward = getattr(type(module), "forward", None)
    return (path, id(module), id(forward), tensors, attributes, tuple(map(id, hooks)))
