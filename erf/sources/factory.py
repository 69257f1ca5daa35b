"""A function of the user's that makes a model: ``package.module:factory``, ``file.py:factory``."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from erf.errors import SourceError
from erf.sources.input_space import IMAGENET
from erf.sources.loaded import LoadedModel
from erf.sources.names import near
from erf.sources.source import Request, one_line, with_seed


def load(where: str, name: str, request: Request) -> LoadedModel:
    """Import the module, which runs its code, and call its function.

    Args:
        where: a module's dotted name, or the path of a ``.py`` file.
        name: of a function or class in it that returns a module, or of a module itself.
        request: with the function's arguments.
    """
    factory = _named(where, name)
    if isinstance(factory, nn.Module):
        model = factory.eval()
    else:
        try:
            model = _built(factory, request, f"{where}:{name}")
        except SourceError:
            raise
        except Exception as error:  # the user's code may raise anything
            kind = type(error).__name__
            raise SourceError(f"{where}:{name} raised {kind}: {one_line(error)}") from error
    notes = (f"imported {where}, which ran its code",)
    return LoadedModel(model, name, IMAGENET, random=None, notes=notes)


def find_object(text: str) -> Callable[..., Any]:
    """The function that ``file.py:function`` or ``package.module:function`` names.

    Importing its module runs the module's code.

    Raises:
        SourceError: when there is none, or it is no function.
    """
    where, colon, name = text.rpartition(":")
    if not colon or not where or not name.isidentifier():
        raise SourceError(f"{text!r} is neither file.py:function nor package.module:function")
    found = _named(where, name)
    if not callable(found):
        raise SourceError(f"{text} is a {type(found).__name__}, not a function")
    function: Callable[..., Any] = found
    return function


def _named(where: str, name: str) -> Any:
    """What a module or a file holds under a name."""
    module = _import_file(Path(where)) if where.endswith(".py") else _import_module(where)
    if not hasattr(module, name):
        public = [each for each in vars(module) if not each.startswith("_")]
        raise SourceError(f"{where} has no {name!r}{near(name, public)}")
    return getattr(module, name)


def _built(factory: Callable[..., object], request: Request, name: str) -> nn.Module:
    def build() -> nn.Module:
        model = factory(**request.arguments)
        if not isinstance(model, nn.Module):
            raise SourceError(f"{name} returned a {type(model).__name__}, not a torch module")
        return model

    return with_seed(build)


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise SourceError(f"{path}: no such file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Its neighbours can be imported, as when Python runs the file.
    sys.path.insert(0, str(path.resolve().parent))
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        sys.modules.pop(path.stem, None)
        kind = type(error).__name__
        raise SourceError(f"{path}: importing it raised {kind}: {one_line(error)}") from error
    finally:
        sys.path.remove(str(path.resolve().parent))
    return module


def _import_module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:
        kind = type(error).__name__
        raise SourceError(f"importing {name} raised {kind}: {one_line(error)}") from error
