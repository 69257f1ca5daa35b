"""Modules of a model: found by their path, watched while the model runs."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from torch import Tensor, nn

from erf.errors import LayerError


def find_layer(model: nn.Module, name: str) -> nn.Module:
    """The module at this path.

    Raises:
        LayerError: when there is none; the message names near matches.
    """
    modules = dict(model.named_modules())
    if name in modules and name:
        return modules[name]
    names = [known for known in modules if known]
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    raise LayerError(f"layer {name!r} is not one of the model's {len(names)} modules{hint}")


@contextmanager
def watched(model: nn.Module, names: Sequence[str]) -> Iterator[dict[str, object]]:
    """Collect what layers put out while the model runs: ``{name: output}``, the last call's.

    Outputs are copied as the module returns them, before an in-place operator that follows
    (``nn.ReLU(inplace=True)``) can overwrite them.
    """
    seen: dict[str, object] = {}
    with ExitStack() as stack:
        for name in names:

            def keep(_: nn.Module, __: object, output: object, name: str = name) -> None:
                seen[name] = output.clone() if isinstance(output, Tensor) else output

            stack.enter_context(find_layer(model, name).register_forward_hook(keep))
        yield seen
