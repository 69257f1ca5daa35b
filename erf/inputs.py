"""What a model takes beside the image: tensors, numbers, flags; also in lists and dictionaries."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from erf.errors import SettingError


class _Image:
    """Stands where the image goes; there is one, `IMAGE`."""

    def __repr__(self) -> str:
        return "erf.IMAGE"


IMAGE = _Image()
"""Where the image goes, inside a dictionary or a list: ``inputs={"batch": {"pixels": IMAGE}}``."""

PLAIN = (bool, int, float, str, type(None), torch.dtype, _Image)
"""Values that are handed on as they are."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """Everything that a model is given beside the image, by the names of its parameters.

    Attributes:
        values: tensors as for one image (those that have a batch begin with a 1), numbers, flags,
            text; lists and dictionaries of these; `IMAGE` where the image goes, if that is inside.

    Example:
        >>> inputs = Inputs.of({"mask": np.ones((1, 1, 8, 8), np.float32), "scale": 0.5})
        >>> inputs.describe()["mask"]["shape"], inputs.describe()["scale"]
        ([1, 1, 8, 8], 0.5)
    """

    values: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, Any] | Inputs | None) -> Inputs:
        """The inputs that a user gives; arrays become tensors.

        Raises:
            SettingError: naming the first value that can be none.
        """
        if isinstance(given, Inputs):
            return given
        if given is not None and not isinstance(given, Mapping):
            raise SettingError(
                f"inputs must be a dictionary by the names of parameters, not a "
                f"{type(given).__name__}"
            )
        return cls({str(name): _taken(str(name), each) for name, each in (given or {}).items()})

    @property
    def placed(self) -> bool:
        """Whether `IMAGE` says where the image goes."""
        return any(value is IMAGE for _, value in leaves(dict(self.values)))

    @cached_property
    def sha256(self) -> str:
        """Over names, types, shapes and bytes of all of them."""
        digest = hashlib.sha256()
        for name, value in leaves(dict(self.values)):
            digest.update(f"{name} {_words(value)}\n".encode())
            if isinstance(value, Tensor):
                digest.update(_bytes(value))
        return digest.hexdigest()

    @property
    def summary(self) -> str:
        """For a message: their names and shapes; empty where there are none."""
        found = [
            f"{name.strip('.')} of shape {'x'.join(map(str, value.shape)) or 'a number'}"
            if isinstance(value, Tensor)
            else f"{name.strip('.')}={value!r}"
            for name, value in leaves(dict(self.values))
        ]
        return f" beside {', '.join(found)}" if found else ""

    def describe(self) -> dict[str, Any]:
        """Each by its name, JSON-compatible: a tensor's shape, type and SHA-256, else the value."""
        return {name.strip("."): _shown(value) for name, value in leaves(dict(self.values))}


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """All values that are no list and no dictionary, with their path."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, f"{name}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from leaves(item, f"{name}[{index}]")
    else:
        yield name, value


def _taken(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _taken(f"{name}.{key}", item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_taken(f"{name}[{i}]", item) for i, item in enumerate(value))
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind not in "biuf":
            raise SettingError(f"input {name!r} holds {value.dtype} values, not numbers")
        return torch.from_numpy(np.ascontiguousarray(value)) if value.ndim else value.item()
    if isinstance(value, Tensor):
        value = value.detach()
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise SettingError(f"input {name!r} has values that are not finite")
        return value
    if not isinstance(value, PLAIN):
        raise SettingError(
            f"input {name!r} is a {type(value).__name__}, neither a tensor, an array, a number, a "
            "flag, text nor a list or dictionary of these"
        )
    return value


def _shown(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value if isinstance(value, bool | int | float | str | None) else str(value)
    return {
        "shape": list(value.shape),
        "dtype": str(value.dtype).removeprefix("torch."),
        "sha256": hashlib.sha256(_bytes(value)).hexdigest(),
    }


def _words(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{value.dtype} {tuple(value.shape)}"
    return f"{type(value).__name__} {value!r}"


def _bytes(tensor: Tensor) -> memoryview:
    return tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
