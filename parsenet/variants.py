"""The networks of this package by name: a name and a few keywords make a model."""

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from torch import nn

from parsenet.errors import ModelError
from parsenet.fcn import FCN8s, FCN16s, FCN32s
from parsenet.net import ParseNet

VARIANTS: Mapping[str, Callable[..., nn.Module]] = MappingProxyType(
    {"parsenet": ParseNet, "fcn32s": FCN32s, "fcn16s": FCN16s, "fcn8s": FCN8s}
)


def build(variant: str, /, **options: Any) -> nn.Module:
    """Build a named variant with fresh weights, in training mode.

    Args:
        variant: "parsenet", "fcn32s", "fcn16s" or "fcn8s".
        options: keywords of the variant's class (``ParseNet``, ``FCN32s``, ...): ``classes``,
            ``width``, ``batch_norm`` and ``dropout`` for all.

    Raises:
        ModelError: if there is no such variant, keyword or value.
    """
    if variant not in VARIANTS:
        raise ModelError(f"no variant {variant!r}; there are {', '.join(VARIANTS)}")
    model = VARIANTS[variant]
    known = inspect.signature(model).parameters
    for name in options:
        if name not in known:
            raise ModelError(f"{variant} has no keyword {name!r}; it has {', '.join(known)}")
    return model(**options)
