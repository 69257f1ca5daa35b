"""Models that installed packages offer by name: entry points of the group ``erf.models``.

    [project.entry-points."erf.models"]
    mine = "my_package.offer"

An offer is a module, or any object, with ``names() -> list[str]`` and ``load(name)``, which
returns None for a name that is not its own, or something with a ``model``, a ``name``, an
``input_space`` (``mean``, ``std``, ``channel_order``) and ``random``. So a package offers its
models without importing this one.

It may have ``begin(name, file, space)`` too, which builds a network around weights of somebody
else's in a layout that the package knows, and returns the same, with ``notes`` of what became of
them; ``space`` is a word for what they take in, or empty.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from erf.errors import ErfError, SourceError
from erf.registry import announced
from erf.sources.input_space import InputSpace
from erf.sources.loaded import LoadedModel
from erf.sources.source import one_line

GROUP = "erf.models"


@dataclass(frozen=True)
class Init:
    """Weights in a layout of their own, for a network whose package brings them into form.

    Attributes:
        file: that holds them.
        space: what they take in, in a word that the package knows; empty: what is usual for them.

    Example:
        >>> Init("VGG_VOC2012ext.caffemodel", "caffe").file
        'VGG_VOC2012ext.caffemodel'
    """

    file: str
    space: str = ""


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
    return _first(lambda offer: offer.load(name))


def begun(name: str, init: Init) -> LoadedModel:
    """The network of a name that a package offers, with these weights; its notes say what fitted.

    Raises:
        SourceError: when no package takes weights for it, or these cannot be read or do not fit.
    """
    found = _first(
        lambda offer: offer.begin(name, init.file, init.space) if hasattr(offer, "begin") else None
    )
    if found is None:
        raise SourceError(
            f"{name}: takes no initial weights of another layout; weights by its own names are "
            f"given as --weights {init.file}"
        )
    return found


def _first(find: Callable[[Any], Any]) -> LoadedModel | None:
    for offer in offers():
        try:
            found = find(offer)
        except ErfError:
            raise
        except (ValueError, OSError) as error:
            raise SourceError(one_line(error)) from error
        if found is not None:
            given = found.input_space
            space = InputSpace(tuple(given.mean), tuple(given.std), given.channel_order)
            notes = tuple(getattr(found, "notes", ()))
            return LoadedModel(found.model.eval(), found.name, space, found.random, notes=notes)
    return None
