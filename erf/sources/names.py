"""Names that nothing bears: a refusal that names near ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from erf.errors import SourceError


def near(name: str, names: Iterable[str]) -> str:
    """A hint at near names, empty where there are none."""
    found = difflib.get_close_matches(name, list(names), n=3)
    return f"; did you mean {', '.join(found)}?" if found else ""


def unknown(library: str, name: str, names: Iterable[str]) -> SourceError:
    """The error for a name that a library does not have."""
    return SourceError(f"{library} has no model {name!r}{near(name, names)}")


def missing(library: str, package: str) -> SourceError:
    """The error for a library that is not installed."""
    return SourceError(f"{library} models need {package}: pip install {package}")
