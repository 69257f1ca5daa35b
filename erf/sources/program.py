"""Models that come as a file of operators: an exported program (``.pt2``), ONNX (``.onnx``).

Loading one runs no code of the file: what ``torch.export`` would unpickle or evaluate is looked at
before, and refused unless it is plain arithmetic.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from erf.errors import SourceError
from erf.sources.input_space import IMAGENET
from erf.sources.loaded import LoadedModel
from erf.sources.source import one_line

EXPRESSION = re.compile(r"[\w\s+\-*/%(),.<>=!&|~']*")
WORDS = frozenset(
    """
    Symbol integer positive nonnegative True False Max Min Mod Abs Eq Ne Le Lt Ge Gt And Or Not
    FloorDiv PythonMod CleanDiv CeilDiv FloorToInt CeilToInt TruncToInt RoundToInt floor ceiling
    IntTrueDiv FloatTrueDiv ToFloat Identity ModularIndexing Where int_oo oo PowByNatural
    """.split()  # noqa: SIM905
)
SYMBOL = re.compile(r"[suzf]\d+")


def load_program(path: Path) -> LoadedModel:
    """An exported program, as ``torch.export.save`` writes it.

    Raises:
        SourceError: when it is none, or holds what could run code.
    """
    _refuse_code(path)
    try:
        program = torch.export.load(path)
        model = torch.export.unflatten(program)
    except Exception as error:  # torch.export raises anything on a damaged file
        raise SourceError(f"{path}: is no readable exported program: {one_line(error)}") from None
    notes = () if _any_batch(program) else ("the program takes one image a pass",)
    size = _image_size(program)
    return LoadedModel(
        _without_modes(model), path.stem, IMAGENET, random=None, size=size, notes=notes
    )


def _without_modes(model: nn.Module) -> nn.Module:
    """What is exported is in one mode for ever, and says so with an error."""
    model.train = lambda mode=True: model  # type: ignore[method-assign]
    return model


def _refuse_code(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(".json"):
                    for words in _evaluated(json.loads(archive.read(name))):
                        _check_expression(words, path)
                elif "/sample_inputs/" in name:
                    torch.load(io.BytesIO(archive.read(name)), weights_only=True)
                elif re.search(r"/(custom_obj|opaque_obj)_|/(weights|constants)/[^/]*\.pt$", name):
                    raise SourceError(f"{path}: holds pickled objects ({name}), which may run code")
    except SourceError:
        raise
    except Exception as error:
        raise SourceError(f"{path}: is no readable exported program: {one_line(error)}") from None


def _evaluated(value: Any) -> Iterator[str]:
    """Everything in the archive's JSON that would be evaluated or unpickled."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "use_pickle" and item:
                yield "use_pickle!"
            elif name == "expr_str" and isinstance(item, str):
                yield item
            else:
                yield from _evaluated(item)
    elif isinstance(value, list):
        for item in value:
            yield from _evaluated(item)


def _check_expression(text: str, path: Path) -> None:
    words = set(re.findall(r"[A-Za-z_]\w*", text))
    if not EXPRESSION.fullmatch(text) or any(
        word not in WORDS and not SYMBOL.fullmatch(word) for word in words
    ):
        raise SourceError(f"{path}: holds an expression that may run code: {text[:60]!r}")


def _any_batch(program: Any) -> bool:
    return not isinstance(_image_shape(program)[0], int)


def _image_size(program: Any) -> tuple[int, int] | None:
    rows, cols = _image_shape(program)[-2:]
    return (rows, cols) if isinstance(rows, int) and isinstance(cols, int) else None


def _image_shape(program: Any) -> tuple[Any, ...]:
    names = set(program.graph_signature.user_inputs)
    for node in program.graph.nodes:
        if node.name in names and isinstance(node.meta.get("val"), torch.Tensor):
            return tuple(node.meta["val"].shape)
    raise SourceError("the exported program takes no tensor")


def load_onnx(path: Path) -> LoadedModel:
    """An ONNX model, through onnx2torch.

    Raises:
        SourceError: when it cannot be read, or an operator has no converter, which is named.
    """
    try:
        import onnx2torch
    except ImportError:
        raise SourceError(f"{path}: ONNX needs onnx2torch: pip install onnx2torch") from None
    try:
        model = onnx2torch.convert(str(path)).eval()
    except Exception as error:  # onnx and the converter raise anything
        raise SourceError(f"{path}: cannot be converted: {one_line(error)}") from None
    return LoadedModel(model, path.stem, IMAGENET, random=None)
