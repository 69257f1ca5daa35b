"""Finding modules in an exported graph: what each one returned, at the moment it returned it.

While a model is traced, a hook on every module puts a mark, an operator without a result, on each
tensor the module returns. Functionalisation then renames whatever an in-place operator does later,
so that ``conv`` is the convolution's own output even where an in-place relu follows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from erf.layer_name import tensors_in
from erf.scripted import hookable


def _no_result(_x: Tensor, _module: str, _call: int, _member: str) -> None:
    """A mark computes nothing."""


LIBRARY: Any = torch.library.Library("erf_probe", "DEF")  # type: ignore[no-untyped-call]
LIBRARY.define("mark(Tensor x, str module, int call, str member) -> ()")
LIBRARY.impl("mark", _no_result, "CompositeExplicitAutograd")
MARK = torch.ops.erf_probe.mark.default
torch.fx.node.has_side_effect(MARK)


@contextmanager
def marking(model: nn.Module) -> Iterator[None]:
    """Mark the results of every module that is called within."""
    calls: Counter[str] = Counter()
    handles = []
    for path, module in hookable(model):

        def mark(_module: nn.Module, _inputs: Any, output: Any, path: str = path) -> None:
            for member, tensor in tensors_in(output):
                torch.ops.erf_probe.mark(tensor, path, calls[path], member)
            calls[path] += 1

        handles.append(module.register_forward_hook(mark))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
