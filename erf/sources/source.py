"""A source: a function that makes the models of one library from their names."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from erf.errors import SourceError
from erf.registry import Registry
from erf.sources.loaded import LoadedModel


@dataclass(frozen=True)
class Request:
    """What is asked of a source.

    Attributes:
        name: without the source's own prefix.
        weights: name of weights that the library can fetch, or None.
        arguments: for the function that builds the model.
        image_size: (rows, cols) that the model will be shown, for those built for one size.
    """

    name: str
    weights: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    image_size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Source:
    """A library of models.

    Attributes:
        load: makes a model, its weights random unless asked otherwise, or raises `SourceError`.
        names: what can be named, as far as the library tells.
        summary: for people.
    """

    load: Callable[[Request], LoadedModel]
    names: Callable[[], Iterable[str]]
    summary: str


SOURCES: Registry[Source] = Registry("source")
"""By prefix. A package that is announced under ``erf.plugins`` may add its own."""


def read_arguments(texts: Sequence[str]) -> dict[str, Any]:
    """Arguments as a person writes them: ``width=64`` a number, ``act=relu`` text.

    Raises:
        SourceError: when one is not NAME=VALUE.

    Example:
        >>> read_arguments(["width=64", "act=relu"])
        {'width': 64, 'act': 'relu'}
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name.isidentifier():
            raise SourceError(f"{text!r} is not NAME=VALUE")
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            found[name] = value
    return found


def with_seed(build: Callable[[], nn.Module]) -> nn.Module:
    """Build a model whose random weights are always the same, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build().eval()


def one_line(error: BaseException) -> str:
    """The first line of an error that says something, for a message of ours."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200]
