"""Operands of which only shape or type is looked at: never read, so never in the way.

``x.type_as(y)`` casts x, ``torch.randn_like(y)`` draws numbers, ``y.new_zeros(3)`` writes zeros:
the values of y are not touched, and no pixel behind them is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

ATEN = torch.ops.aten

NAMES = frozenset(
    f"aten.{name}"
    for name in (
        *("zeros", "ones", "full", "empty", "arange", "scalar_tensor", "sym_size", "zero"),
        *("uniform", "normal_functional", "exponential", "geometric", "cauchy", "log_normal"),
        *("random", "empty_strided", "linspace", "rand", "randn", "randint", "randperm"),
    )
)
"""Operators that look at the shape and type of their input, never at its values."""


def shape_only(op: str, arguments: Mapping[str, Any]) -> bool:
    """Whether an operator reads no value of any of its operands."""
    if op == "aten.bernoulli":
        return isinstance(arguments.get("p"), float)
    if op == "aten.fill":
        return isinstance(arguments.get("value"), (int, float, bool))
    return op in NAMES or op.startswith("aten.new_") or (op[:5] == "aten." and op[-5:] == "_like")


def without_examples(
    target: Any, arguments: Mapping[str, Any], symbolic: Sequence[Any], dtype: torch.dtype
) -> tuple[Any, dict[str, Any]]:
    """The same call without the operand that only says which shape or type is wanted.

    Args:
        target: the operator.
        arguments: by name.
        symbolic: shape of the output.
        dtype: of the output.

    Returns:
        The operator to call instead and its arguments; the given ones where there is no example.
    """
    mine = {"self": arguments.get("self")}
    size = list(symbolic)
    if target in (ATEN.type_as.default, ATEN.to.other):
        plain = {"dtype": dtype, "non_blocking": False, "copy": False, "memory_format": None}
        return ATEN.to.dtype, mine | plain
    if target is ATEN.expand_as.default:
        return ATEN.expand.default, mine | {"size": size, "implicit": False}
    if target in (ATEN.view_as.default, ATEN.reshape_as.default):
        name = "size" if target is ATEN.view_as.default else "shape"
        return (ATEN.view if name == "size" else ATEN.reshape).default, mine | {name: size}
    return target, dict(arguments)
