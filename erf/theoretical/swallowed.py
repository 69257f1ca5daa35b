"""Which operators swallow NaN: they were shown some, and hand none on.

A comparison, an integer or a ``nan_to_num`` depends on its input, but NaN does not come out: what
is read behind it stays unseen, and a field found by NaN is then a lower bound.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from erf.graph.shape_only import shape_only


class Swallowed(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Names the operators that swallow NaN while it is entered.

    Attributes:
        names: of the operators, in the order in which they ran.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: dict[str, None] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operator, and look at what went in and what came out."""
        kwargs = kwargs or {}
        # In-place operators overwrite what they were shown, so that is looked at before.
        shown = [leaf for leaf in tree_leaves((args, kwargs)) if _holds_nan(leaf)]
        result = func(*args, **kwargs)
        name = f"aten.{func._schema.name.split('::')[-1].rstrip('_')}"
        named = {a.name: v for a, v in zip(func._schema.arguments, args, strict=False)} | kwargs
        if shown and not func.is_view and not shape_only(name, named) and name not in CARRIERS:
            leaves = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
            if leaves and not any(_holds_nan(leaf) for leaf in leaves):
                self.names[name] = None
        return result


CARRIERS = frozenset(("aten.slice", "aten.select", "aten.index", "aten.copy", "aten.fill"))
"""Operators that may well take a part without NaN, or write over it."""


def _holds_nan(leaf: object) -> bool:
    if not isinstance(leaf, Tensor) or leaf.is_meta:
        return False
    return (leaf.is_floating_point() or leaf.is_complex()) and bool(torch.isnan(leaf).any())
