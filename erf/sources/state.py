"""Weights in files: read without running code, unwrapped, and fitted to a model."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from erf.errors import SourceError
from erf.sources.source import one_line

SUFFIXES = frozenset({".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".tar"})
WRAPPERS = (
    "state_dict", "model_state_dict", "model_state", "params_ema", "params", "model_ema",
    "state_dict_ema", "ema", "model", "net", "network", "teacher", "generator", "weights",
)  # fmt: skip
PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.", "backbone.", "encoder.")


def read_state(path: Path) -> tuple[dict[str, Tensor], list[str]]:
    """Named tensors of a file, and what they were taken out of.

    Args:
        path: ``.safetensors``, or what ``torch.save`` wrote; nothing but tensors is unpickled.

    Raises:
        SourceError: when there is no such file, it is damaged, or it holds something else.
    """
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "is no file"
        raise SourceError(f"{path}: {kind if path.exists() else 'no such file'}")
    if path.suffix == ".safetensors":
        try:
            with safe_open(path, framework="pt") as file:
                return {name: file.get_tensor(name) for name in file.keys()}, []  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise SourceError(f"{path}: is no readable safetensors file: {error}") from None
    return _unwrapped(_unpickled(path), path)


def _unpickled(path: Path) -> Any:
    try:
        return torch.load(
            path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
        )
    except pickle.UnpicklingError as error:
        if "TorchScript" in str(error):
            raise SourceError(
                f"{path}: is a TorchScript archive, not weights; in Python, give erf the module "
                "that torch.jit.load returns"
            ) from None
        raise SourceError(
            f"{path}: holds a pickled module or other objects, which may run code when loaded; "
            "save its state_dict: torch.save(model.state_dict(), FILE)"
        ) from None
    except Exception as error:  # damaged files raise anything in torch
        if "TorchScript" in str(error) or "constants.pkl" in str(error):
            raise SourceError(f"{path}: is a TorchScript archive, not weights") from None
        raise SourceError(f"{path}: is no readable file of weights: {one_line(error)}") from None


def _unwrapped(value: Any, path: Path) -> tuple[dict[str, Tensor], list[str]]:
    inside: list[str] = []
    while isinstance(value, Mapping) and not _is_state(value):
        key = next((each for each in WRAPPERS if isinstance(value.get(each), Mapping)), None)
        if key is None:
            keys = ", ".join(map(str, list(value)[:5]))
            raise SourceError(f"{path}: holds no named tensors, but {keys}")
        inside.append(key)
        value = value[key]
    if not isinstance(value, Mapping):
        raise SourceError(f"{path}: holds a {type(value).__name__}, not named tensors")
    state = {str(name): each for name, each in value.items() if isinstance(each, Tensor)}
    for name, each in state.items():
        if each.layout is not torch.strided or each.is_meta or each.is_nested:
            raise SourceError(
                f"{path}: {name} is no tensor of plain numbers, but {each.layout} on {each.device}"
            )
    return state, inside


def _is_state(value: Mapping[Any, Any]) -> bool:
    tensors = sum(isinstance(each, Tensor) for each in value.values())
    return tensors > 0 and 2 * tensors >= len(value)


def fit_state(
    model: nn.Module, state: Mapping[str, Tensor], path: Path, *, partial: bool = False
) -> list[str]:
    """Put weights into a model; all of them, or nothing.

    Args:
        model: changed in place.
        state: named tensors; a common prefix such as ``module.`` is taken off.
        path: for messages.
        partial: whether names may be missing or left over.

    Returns:
        What was done, a sentence each.

    Raises:
        SourceError: naming the first missing, unexpected and misshapen tensors and how many.
    """
    wanted = model.state_dict()
    state, dropped = _without_prefixes(state, wanted.keys())
    notes = [f"{path.name}: prefix {'.'.join(dropped)!r} taken off"] if dropped else []
    missing = [name for name in wanted if name not in state]
    extra = [name for name in state if name not in wanted]
    shapes = [
        f"{name} is {tuple(state[name].shape)}, the model has {tuple(wanted[name].shape)}"
        for name in wanted
        if name in state and state[name].shape != wanted[name].shape
    ]
    if shapes:
        raise SourceError(f"{path}: {_some(shapes, 'tensors of other shapes', '; ')}")
    fitting = len(wanted) - len(missing)
    wrong = [_some(missing, "missing"), _some(extra, "unexpected")]
    told = "; ".join(each for each in wrong if each)
    if not fitting:
        raise SourceError(f"{path}: none of its {len(state)} names is the model's: {told}")
    counters = all(name.endswith("num_batches_tracked") for name in missing)
    if ((missing and not counters) or extra) and not partial:
        raise SourceError(f"{path}: does not fit the model: {told}; --partial takes what fits")
    model.load_state_dict({name: state[name] for name in wanted if name in state}, strict=False)
    if told and not (counters and not extra):
        notes.append(f"{path.name}: {fitting} of {len(wanted)} tensors filled in; {told}")
    return notes


def _without_prefixes(
    state: Mapping[str, Tensor], wanted: Any
) -> tuple[Mapping[str, Tensor], list[str]]:
    """Take prefixes off as long as more names are the model's afterwards."""
    dropped: list[str] = []
    while True:
        best, chosen = sum(name in wanted for name in state), None
        for prefix in PREFIXES:
            stripped = {name.removeprefix(prefix): each for name, each in state.items()}
            if len(stripped) == len(state) and (n := sum(k in wanted for k in stripped)) > best:
                best, chosen = n, (prefix, stripped)
        if chosen is None:
            deeper = _through_two(state, wanted)
            if deeper is None:
                return state, dropped
            chosen = deeper
        dropped.append(chosen[0].rstrip("."))
        state = chosen[1]


def _through_two(state: Mapping[str, Tensor], wanted: Any) -> tuple[str, dict[str, Tensor]] | None:
    """A prefix of two words, such as ``module.backbone.``, neither of which helps alone."""
    best, chosen = sum(name in wanted for name in state), None
    for one in PREFIXES:
        for two in PREFIXES:
            stripped = {name.removeprefix(one + two): each for name, each in state.items()}
            if len(stripped) == len(state) and (n := sum(k in wanted for k in stripped)) > best:
                best, chosen = n, (one + two, stripped)
    return chosen


def _some(names: list[str], what: str, between: str = ", ") -> str:
    if not names:
        return ""
    shown = between.join(names[:5]) + (between + "..." if len(names) > 5 else "")
    return f"{len(names)} {what}: {shown}"
