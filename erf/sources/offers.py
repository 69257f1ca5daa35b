"""Models that installed packages offer by name: entry points of the group ``erf.models``.

    [project.entry-points."erf.models"]
    mine = "my_package.offer"

An offer is a module, or any object, with ``names() -> list[str]`` and ``load(name)``, which
returns None for a name that is not its own, or something with a ``model``, a ``name``, an
``input_space`` (``mean``, ``std``, ``channel_order``) and ``random``. So a package offers its
models without importing this one.
"""

from __future__ import annotations

import functools
from typing import Any

from erf.errors import ErfError, SourceError
from erf.registry import announced
from erf.sources.input_space import InputSpace
from erf.sources.loaded import LoadedModel
from erf.sources.source import one_line

GROUP = "erf.models"


@functools.cache
def offers() -> tuple[Any, ...]:
    """What installed packages offer; one that cannot be imported is named in a warning."""
    return tuple(announced(GROUP))


def offered_names() -> list[str]:
    """All names that are offered."""
    return [name for offer in offers() for name in offer.names()]


def offered(name: str) -> LoadedModel | None:
    """The model of a name that a package offers, None where none does.

    Raises:
        SourceError: when its file cannot be read; the message is the package's own.
    """
    for offer in offers():
        try:
            found = offer.load(name)
        except ErfError:
            raise
        except (ValueError, OSError) as error:
            raise SourceError(one_line(error)) from error
        if found is not None:
            given = found.input_space
            space = InputSpace(tuple(given.mean), tuple(given.std), given.channel_order)
            return LoadedModel(found.model.eval(), found.name, space, found.random)
    return None
