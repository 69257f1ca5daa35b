"""One export a model: graphs are kept while the model lives and stays the same."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from torch import nn

from erf.graph import Graph, export

Key = tuple[tuple[int, ...], str, tuple[int, ...]]
GRAPHS: WeakKeyDictionary[nn.Module, dict[Key, Graph]] = WeakKeyDictionary()


def graph_of(model: nn.Module, image_size: tuple[int, int], channels: int = 3) -> Graph:
    """The graph of a model for images of one size, exported when first asked for.

    It is exported anew when the model's printed structure, its modules or its hooks have changed:
    a kernel, a stride or a dilation that was edited counts, an attribute that only the model's own
    ``forward`` knows does not. ``erf.graph.export`` always exports.

    Raises:
        ExportError: when the model cannot be exported.
    """
    shape = (1, channels, *image_size)
    modules = tuple(id(module) for module in model.modules())
    hooks = tuple(len(module._forward_hooks) for module in model.modules())
    key: Key = (shape, repr(model), modules + hooks)
    graphs = GRAPHS.setdefault(model, {})
    if key not in graphs:
        graphs[key] = export(model, shape)
    return graphs[key]
