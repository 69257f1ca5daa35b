"""The floating type in which a model computes."""

from __future__ import annotations

import copy

import torch
from torch import nn

from erf.errors import SettingError

DTYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
HALF = (torch.float16, torch.bfloat16)
"""Types of two or three digits, in which small changes are lost in rounding."""


def find_dtype(name: str | torch.dtype) -> torch.dtype:
    """The type of a name.

    Raises:
        SettingError: when it is none in which models compute.

    Example:
        >>> find_dtype("float64")
        torch.float64
    """
    if isinstance(name, torch.dtype):
        name = str(name).removeprefix("torch.")
    if name not in DTYPES:
        raise SettingError(f"dtype {name!r} is none of {', '.join(DTYPES)}")
    return DTYPES[name]


def in_dtype(model: nn.Module, name: str | torch.dtype) -> nn.Module:
    """The model if it computes in this type; else a copy of it that does.

    Raises:
        SettingError: when there is no such type.

    Example:
        >>> model = nn.Linear(2, 2)
        >>> in_dtype(model, "float64").weight.dtype, model.weight.dtype
        (torch.float64, torch.float32)
    """
    dtype = find_dtype(name)
    floating = (p for p in (*model.parameters(), *model.buffers()) if p.is_floating_point())
    if all(each.dtype == dtype for each in floating):
        return model
    return copy.deepcopy(model).to(dtype)
