"""From a name to a model: the grammar, first match wins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from erf.device import find_device
from erf.dtype import find_dtype
from erf.errors import ErfError, SourceError
from erf.scripted import hookable
from erf.sources import factory, huggingface, segmentation_models, timm_models, torchvision_models
from erf.sources.input_space import InputSpace
from erf.sources.loaded import LoadedModel
from erf.sources.names import near
from erf.sources.offers import Init, begun, offered, offered_names
from erf.sources.program import load_onnx, load_program
from erf.sources.source import SOURCES, Request
from erf.sources.state import SUFFIXES, fit_state, read_state

LIBRARIES = (torchvision_models, timm_models, huggingface, segmentation_models)
"""Whose sources are registered by being imported."""
FACTORY = re.compile(r"[A-Za-z_][\w.]*|.*\.py")


def load_model(
    name: str,
    *,
    weights: str | Path | Init | None = None,
    partial: bool = False,
    arguments: Mapping[str, Any] | None = None,
    image_size: tuple[int, int] | None = None,
    input_space: InputSpace | None = None,
    device: str | None = None,
    dtype: str | None = None,
) -> LoadedModel:
    """Find the model that a name means. Architectures get random weights, always the same.

    Args:
        name: see the module ``erf.sources``.
        weights: a file of them (``.safetensors``, ``.pth``, ``.pt``, ``.bin``), or a name of some
            that the model's library can fetch; or an ``Init``, for a network whose package brings
            weights of other layouts into form. Loading a file runs no code from it.
        partial: whether a file may lack tensors, or have others.
        arguments: for the function that builds the model.
        image_size: (rows, cols), for a model that is built for one size.
        input_space: what the model takes in, where that is not known or another.
        device: that it is brought to, such as ``cuda:1``; the CPU by default.
        dtype: in which it computes, such as ``float64``; its own by default.

    Raises:
        SourceError: when nothing of that name is known, or it cannot be loaded; one line.
        SettingError: when there is no such device or type.

    Example:
        >>> loaded = load_model("resnet18")
        >>> loaded.random, loaded.input_space.channels
        (True, 3)
    """
    where = None if device is None else find_device(device)
    kind = None if dtype is None else find_dtype(dtype)
    if isinstance(weights, Init):
        loaded = _begun(name, weights, partial=partial, arguments=arguments)
    else:
        loaded = _loaded(name, weights, partial, arguments, image_size)
    if where is not None or kind is not None:
        loaded.model.to(device=where, dtype=kind)
    return loaded if input_space is None else replace(loaded, input_space=input_space)


def _begun(name: str, init: Init, *, partial: bool, arguments: Any) -> LoadedModel:
    if partial or arguments:
        raise SourceError(f"{name}: --init says itself what fits, and takes the size of its file")
    return begun(name, init)


def _loaded(
    name: str,
    weights: str | Path | None,
    partial: bool,
    arguments: Mapping[str, Any] | None,
    image_size: tuple[int, int] | None,
) -> LoadedModel:
    file = None
    if weights is not None and (Path(weights).suffix in SUFFIXES or Path(weights).exists()):
        file, weights = Path(weights), None
    state, inside = ({}, []) if file is None else read_state(file)
    request = Request(name, None if weights is None else str(weights), arguments or {}, image_size)
    loaded = _found(request)
    if file is not None:
        notes = [f"{file.name}: taken out of {'.'.join(inside)!r}"] if inside else []
        notes += fit_state(loaded.model, state, file, partial=partial)
        notes = [*loaded.notes, *notes]
        loaded = replace(loaded, random=False, notes=tuple(notes))
    return loaded


def model_names(pattern: str = "") -> list[str]:
    """All that can be named, as far as the libraries that are installed tell; those with the text.

    Example:
        >>> "resnet18" in model_names("resnet")
        True
    """
    found = offered_names()
    for prefix in SOURCES:
        start = "" if prefix == "torchvision" else f"{prefix}:"
        found += [f"{start}{name}" for name in SOURCES.find(prefix).names()]
    return [name for name in found if pattern.lower() in name.lower()]


def _found(request: Request) -> LoadedModel:
    name = request.name
    own = None if request.arguments or request.weights else offered(name)
    if own is not None:
        return own
    path, (head, colon, tail) = Path(name), name.partition(":")
    if path.suffix == ".pt2" and not colon:
        return load_program(path)
    if path.suffix == ".onnx" and not colon:
        return load_onnx(path)
    if colon and head in SOURCES:
        return SOURCES.find(head).load(replace(request, name=tail))
    if name in torchvision_models.names():
        return torchvision_models.load(request)
    if (known := torchvision_models.model_of_weights(name)) is not None:
        return torchvision_models.load(replace(request, name=known[0], weights=known[1]))
    where, colon, function = name.rpartition(":")
    if colon and FACTORY.fullmatch(where) and function.isidentifier():
        return factory.load(where, function, request)
    raise _unknown(name, path)


def _unknown(name: str, path: Path) -> SourceError:
    if path.is_file():
        if path.suffix in SUFFIXES:
            read_state(path)  # what it is instead, if it is no weights
            return SourceError(
                f"{name}: holds weights and not the network they belong to; name it too, as "
                f"resnet50 --weights {name}"
            )
        return SourceError(f"{name}: is no model file that can be read")
    if path.suffix in SUFFIXES or path.suffix in (".pt2", ".onnx"):
        return SourceError(f"{name}: {'is no file' if path.exists() else 'no such file'}")
    return SourceError(
        f"{name!r} is neither a file nor a model that is known{near(name, model_names())}"
    )


def complete_layers(name: str, start: str) -> list[str]:
    """Names of a model's layers that begin so, for a shell; none where it cannot be had.

    Example:
        >>> complete_layers("squeezenet1_1", "features.1")[:2]
        ['features.1', 'features.10']
    """
    try:
        found = dict(hookable(load_model(name).model))
    except (ErfError, OSError):
        return []
    return sorted(each for each in found if each and each.startswith(start))
