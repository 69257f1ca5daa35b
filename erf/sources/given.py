"""Inputs beside the image as a person names them: ``mask=mask.npy``, ``scale=0.5``."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from erf.errors import SourceError
from erf.inputs import Inputs
from erf.photo import SUFFIXES as PHOTOS
from erf.photo import read_photo
from erf.sources.input_space import InputSpace
from erf.sources.source import one_line

TENSORS = frozenset({".pt", ".pth", ".bin"})


def read_inputs(
    texts: Sequence[str], space: InputSpace, image_size: tuple[int, int] | None = None
) -> Inputs:
    """Read ``NAME=FILE`` or ``NAME=VALUE``, each once.

    A file is an array (``.npy``, ``.npz``), a tensor that ``torch.save`` wrote (``.pt``), as for
    one image, or a photo, which is brought into the model's input space as a batch of one. A value
    is a number, True, False or None.

    Args:
        texts: what was written.
        space: of the model, for photos.
        image_size: that photos are scaled and cropped to.

    Raises:
        SourceError: naming what cannot be read.
        PhotoError: when a photo cannot be.

    Example:
        >>> from erf.sources import IMAGENET
        >>> read_inputs(["scale=0.5", "flag=True"], IMAGENET).values
        {'scale': 0.5, 'flag': True}
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name or not value:
            raise SourceError(f"input {text!r} is not NAME=FILE")
        if name in found:
            raise SourceError(f"input {name!r} is given twice")
        found[name] = _read(name, value, space, image_size)
    return Inputs.of(found)


def _read(name: str, text: str, space: InputSpace, size: tuple[int, int] | None) -> Any:
    path = Path(text)
    suffix = path.suffix.lower()
    if not path.is_file():
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            raise SourceError(
                f"input {name}={text}: no such file, and no number, True, False or None"
            ) from None
        if not isinstance(value, bool | int | float | None):
            raise SourceError(f"input {name}={text}: is a {type(value).__name__}; give a file")
        return value
    if suffix in (".npy", ".npz"):
        return _array(name, path)
    if suffix in TENSORS:
        return _tensor(name, path)
    if suffix in PHOTOS:
        return space.tensor(read_photo(path, size).levels)[None]
    raise SourceError(f"input {name}={text}: is neither .npy, .npz, a tensor (.pt) nor a photo")


def _array(name: str, path: Path) -> np.ndarray:
    try:
        found = np.load(path, allow_pickle=False, mmap_mode="r" if path.suffix == ".npy" else None)
        if isinstance(found, np.ndarray):
            return np.array(found)
        with found:
            return np.array(found[_only(name, list(found.files), path)])
    except SourceError:
        raise
    except Exception as error:  # numpy and zipfile raise anything on a damaged file
        raise SourceError(f"{path}: is no readable array: {one_line(error)}") from None


def _tensor(name: str, path: Path) -> Tensor:
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files raise anything in torch
        what = "holds objects that may run code" if "weights_only" in str(error) else "is damaged"
        raise SourceError(f"{path}: {what}: save a tensor alone with torch.save") from None
    if isinstance(found, dict):
        found = found[_only(name, [str(key) for key in found], path)]
    if not isinstance(found, Tensor):
        raise SourceError(f"{path}: holds a {type(found).__name__}, not a tensor")
    return found


def _only(name: str, names: list[str], path: Path) -> str:
    """The one of several things in a file that an input of this name is."""
    if name in names:
        return name
    if len(names) != 1:
        raise SourceError(f"{path}: holds {', '.join(names[:5]) or 'nothing'}, none named {name!r}")
    return names[0]
