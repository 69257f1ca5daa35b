"""One or many: what a probe returned, as a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from erf.errors import SettingError


def each_of(results: Any, kinds: type | tuple[type, ...], what: str = "result") -> list[Any]:
    """The things in what was given: one of them, several, or several by name.

    Args:
        results: one thing, an iterable of them, or a mapping whose values are things or iterables.
        kinds: classes that count as things.
        what: they are called, for messages.

    Raises:
        SettingError: for anything else, or when there is none.

    Example:
        >>> each_of({"a": 1, "b": [2, 3]}, int, "number")
        [1, 2, 3]
    """
    found = _flatten(results, kinds, what)
    if not found:
        raise SettingError(f"at least one {what} is needed, not 0")
    return found


def _flatten(results: Any, kinds: type | tuple[type, ...], what: str) -> list[Any]:
    if isinstance(results, kinds):
        return [results]
    values = results.values() if isinstance(results, Mapping) else results
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise SettingError(f"a {type(results).__name__} is no {what}, and holds none")
    return [thing for value in values for thing in _flatten(value, kinds, what)]
