"""A reading of one's own: a function that makes a map of what a layer puts out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from erf.errors import LayerError
from erf.layer_name import LayerName
from erf.modules import find_layer


class Reading(nn.Module):
    """Calls a function on what a layer put out; a module, so that it has a name and can be asked.

    Args:
        function: of the layer's output.
    """

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, output: object) -> Tensor:
        """The map."""
        return self.function(output)


@contextmanager
def reading(
    model: nn.Module, layer: str, function: Callable[..., Tensor], *, name: str | None = None
) -> Iterator[str]:
    """Have a layer's output read by a function of your own; asked for by the name that is yielded.

    Theory, both engines and the gradient see through the function, which is traced as a part of the
    model. The model is handed back as found.

    Args:
        model: that is probed within.
        layer: whose output is read.
        function: of that output; returns (n, channels, rows, cols), or whatever a layer may put
            out. It makes each image's map of that image alone.
        name: of the reading; the function's by default.

    Raises:
        LayerError: when there is no such layer, or the name is taken or no name.

    Example:
        >>> import torch, erf
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU())
        >>> def strength(output):
        ...     return output.square().sum(1, keepdim=True)
        >>> with reading(model, "1", strength) as layer:
        ...     result = erf.probe(model, torch.randn(3, 16, 16), layer, patch=4, draws=1)
        >>> layer, result.activation.shape, result.theory.size
        ('1.strength', (14, 14), (3, 3))
    """
    found = find_layer(model, layer)
    name = getattr(function, "__name__", "reading") if name is None else name
    if not name.isidentifier():
        raise LayerError(f"reading {name!r} is no name; give one: name='strength'")
    # A Sequential runs all its children: there the reading hangs on the first leaf.
    lists = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
    home = next(each for each in found.modules() if not isinstance(each, lists))
    if hasattr(home, name):
        raise LayerError(f"reading {name!r} of layer {layer!r}: that name is taken")
    path = next(path for path, module in model.named_modules() if module is home)
    parsed, child = LayerName.parse(layer), Reading(function)

    def read(_: nn.Module, __: object, output: object) -> None:
        child(parsed.select(output))

    home.add_module(name, child)
    handle = found.register_forward_hook(read)
    try:
        yield f"{path}.{name}" if path else name
    finally:
        handle.remove()
        del home._modules[name]
