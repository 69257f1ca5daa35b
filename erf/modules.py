"""Modules of a model: found by their path, watched while the model runs."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from torch import Tensor, nn

from erf.errors import LayerError
from erf.layer_name import FUNCTION, OUTPUT, LayerName, only_tensor, tensors_in
from erf.scripted import CLOSED, Scripted, hookable


def find_layer(model: nn.Module, text: str) -> nn.Module:
    """The module that a layer's name means; ``output`` is the model itself.

    Raises:
        LayerError: when there is none; the message names near matches.
    """
    modules = dict(hookable(model))
    name = LayerName.parse(text)
    if name.path in dict(model.named_modules()).keys() - modules.keys():
        raise LayerError(f"layer {name.path!r} is {CLOSED}")
    try:
        return modules[name.path_among(modules)]
    except KeyError:
        if isinstance(model, Scripted):
            raise LayerError(f"layer {name.path!r}: the model is {CLOSED}: 'output'") from None
        if FUNCTION in name.path:
            raise LayerError(
                f"layer {name.path!r}: operations that no module makes are known from an export of "
                "the model alone, and seen by no hook"
            ) from None
        names = [known for known in modules if known]
        near = difflib.get_close_matches(name.path, names, n=3, cutoff=0.5)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise LayerError(
            f"layer {name.path!r} is not one of the model's {len(names)} modules{hint}"
        ) from None


@contextmanager
def watched(model: nn.Module, names: Sequence[str]) -> Iterator[dict[str, object]]:
    """Collect what layers put out while the model runs once: ``{name: output}``.

    Outputs are copied as the module returns them, before an in-place operator that follows
    (``nn.ReLU(inplace=True)``) can overwrite them.

    Raises:
        LayerError: when there is no such module, or in its output no such member.
    """
    seen: dict[str, object] = {}
    calls: Counter[str] = Counter()
    with ExitStack() as stack:
        for text in names:
            name = LayerName.parse(text)

            def keep(_: nn.Module, __: object, output: object, name: LayerName = name) -> None:
                calls[name.text] += 1
                if name.call in (None, calls[name.text]):
                    found = only_tensor(name, output)
                    seen[name.text] = found.clone() if isinstance(found, Tensor) else found

            stack.enter_context(find_layer(model, text).register_forward_hook(keep))
        yield seen


@contextmanager
def listed(model: nn.Module) -> Iterator[dict[str, Tensor]]:
    """Collect every tensor that modules and the model put out: ``{name: output of the last call}``.

    In the order in which the last calls end. The model's own are ``output`` and its members, where
    no module put them out.
    """
    seen: dict[str, Tensor] = {}
    with ExitStack() as stack:
        for path, module in hookable(model):

            def keep(_: nn.Module, __: object, output: object, path: str = path) -> None:
                known = {id(tensor) for tensor in seen.values()}
                for member, tensor in tensors_in(output):
                    if not path and id(tensor) in known:
                        continue
                    name = f"{path or OUTPUT}{member}"
                    seen.pop(name, None)
                    seen[name] = tensor

            stack.enter_context(module.register_forward_hook(keep))
        yield seen


@dataclass
class Outputs:
    """Bytes of what modules put out, each tensor once: more than are held at any moment."""

    bytes: int = 0


@contextmanager
def counted_outputs(model: nn.Module) -> Iterator[Outputs]:
    """Add up the outputs of all modules of a model in the passes within.

    Example:
        >>> import torch
        >>> model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
        >>> with counted_outputs(model) as outputs:
        ...     _ = model(torch.randn(1, 3, 8, 8))
        >>> outputs.bytes == 2 * 4 * 8 * 8 * 4
        True
    """
    found, last = Outputs(), set[int]()

    def count(_: nn.Module, __: object, output: object) -> None:
        tensors = [tensor for _, tensor in tensors_in(output)]
        found.bytes += sum(each.nbytes for each in tensors if id(each) not in last)
        last.clear()
        last.update(map(id, tensors))  # a container hands on what its last module put out

    with ExitStack() as stack:
        for _, module in hookable(model):
            stack.enter_context(module.register_forward_hook(count))
        yield found
