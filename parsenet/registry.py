"""What can be named: things of this package, of plugins, and those that a user registers."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from parsenet.errors import ParseNetError
from parsenet.plugins import load_plugins

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """Things of one kind by name, the package's own first; others are added by ``register``.

    Plugins are loaded the first time that a name is not found, and when names are listed.

    Args:
        kind: what they are, for messages, such as "variant".
        error: what is raised where a name is unknown or taken.
        own: those of this package.
    """

    def __init__(self, kind: str, error: type[ParseNetError], own: Mapping[str, T]) -> None:
        self.kind, self.error = kind, error
        self._own = frozenset(own)
        self._things = dict(own)

    def register(self, name: str, thing: T) -> None:
        """Add one. A name can be registered again, as a notebook's cell does, but not ours.

        Raises:
            ParseNetError: of the kind, if the name is empty or one of this package's own.
        """
        if not name or not isinstance(name, str):
            raise self.error(f"a {self.kind} needs a name, not {name!r}")
        if name in self._own:
            raise self.error(f"the {self.kind} {name!r} is this package's own: take another name")
        self._things[name] = thing

    def is_own(self, name: str) -> bool:
        """Say whether it comes with this package."""
        return name in self._own

    def find(self, name: str) -> T:
        """Return the thing of this name.

        Raises:
            ParseNetError: of the kind, naming those that there are.
        """
        if name not in self:
            raise self.error(f"no {self.kind} {name!r}; there are {', '.join(self)}")
        return self[name]

    def __getitem__(self, name: str) -> T:
        if name not in self._things:
            load_plugins()
        return self._things[name]

    def __iter__(self) -> Iterator[str]:
        load_plugins()
        return iter(list(self._things))

    def __len__(self) -> int:
        load_plugins()
        return len(self._things)
