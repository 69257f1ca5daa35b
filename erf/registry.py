"""Registries: things found by name, which a user's own file or an installed package may add to.

A package names its modules under the entry point group ``erf.plugins``; each is imported once, when
a name is not among those already known or when all names are listed. What it registers is then
as good as ours.
"""

from __future__ import annotations

import difflib
import functools
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from erf.errors import SettingError

GROUP = "erf.plugins"
T = TypeVar("T")


class PluginWarning(UserWarning):
    """An installed package announced something for this toolkit that cannot be imported."""


@functools.cache
def load_plugins() -> None:
    """Import what installed packages announce; one that fails is named in a warning."""
    announced(GROUP)


def announced(group: str) -> list[Any]:
    """What installed packages announce under a group; one that fails is named in a warning."""
    found = []
    for entry in entry_points(group=group):
        try:
            found.append(entry.load())
        except (Exception, SystemExit) as error:
            warnings.warn(
                f"plugin {entry.name} = {entry.value} cannot be loaded: "
                f"{type(error).__name__}: {error}",
                PluginWarning,
                stacklevel=3,
            )
    return found


class Registry(Generic[T]):
    """Things of one kind by name, in the order in which they were added.

    Names that are there when a registry is sealed are this package's own: what they mean in a
    saved result must not change under it. Others may be entered again, so that a cell can be run
    twice.

    Args:
        kind: what they are, for messages: ``stimulus``.

    Example:
        >>> colors = Registry[str]("color")
        >>> _ = colors.add("sky", "blue")
        >>> colors.find("sky")
        'blue'
        >>> colors.find("skj")
        Traceback (most recent call last):
        erf.errors.SettingError: color 'skj' is none of sky; did you mean sky?
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._things: dict[str, T] = {}
        self._own: frozenset[str] = frozenset()

    def seal(self) -> None:
        """Take all names that are there for this package's own."""
        self._own = frozenset(self._things)

    def is_own(self, name: str) -> bool:
        """Whether a name is this package's own."""
        return name in self._own

    def add(self, name: str, thing: T) -> T:
        """Enter a thing.

        Raises:
            SettingError: when the name is this package's own.
        """
        if name in self._own:
            raise SettingError(f"{self.kind} {name!r} is this package's own: take another name")
        self._things[name] = thing
        return thing

    def remove(self, name: str) -> None:
        """Take a thing out again; no error where there is none."""
        self._things.pop(name, None)

    def entering(self, name: str) -> Callable[[T], T]:
        """Return a decorator that enters what it decorates under a name."""
        return lambda thing: self.add(name, thing)

    def find(self, name: str) -> T:
        """The thing of this name.

        Raises:
            SettingError: when there is none, with near names.
        """
        if name not in self._things:
            load_plugins()
        if name not in self._things:
            near = difflib.get_close_matches(name, self._things, n=3)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise SettingError(f"{self.kind} {name!r} is none of {', '.join(sorted(self))}{hint}")
        return self._things[name]

    def __iter__(self) -> Iterator[str]:
        load_plugins()
        return iter(list(self._things))

    def __contains__(self, name: object) -> bool:
        if name not in self._things:
            load_plugins()
        return name in self._things

    def __len__(self) -> int:
        load_plugins()
        return len(self._things)
