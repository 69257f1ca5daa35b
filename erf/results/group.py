"""A Zarr (version 3) group as the one file it is: read and written without opening the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from erf.atomic import write_text
from erf.results.dataset import FORMAT

DOCUMENT = "zarr.json"


def attributes_of(path: Path) -> dict[str, Any] | None:
    """The attributes of the group or array in a folder; None where there is none."""
    try:
        found = json.loads((path / DOCUMENT).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or found.get("zarr_format") != 3:
        return None
    attributes = found.get("attributes", {})
    return attributes if isinstance(attributes, dict) else None


def write_group(
    path: Path, attributes: Mapping[str, Any] | None = None, *, replace: bool = False
) -> None:
    """Write an empty group, or replace one that is there in one step.

    Raises:
        StoreError: when one is there and is not to be replaced.

    Example:
        >>> import tempfile, zarr
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_group(Path(folder), {"title": "a study"})
        ...     dict(zarr.open_group(folder, mode="r").attrs)
        {'title': 'a study'}
    """
    document = {"zarr_format": 3, "node_type": "group", "attributes": dict(attributes or {})}
    write_text(path / DOCUMENT, json.dumps(document, indent=2) + "\n", replace=replace)


def is_result(path: Path) -> bool:
    """Whether a folder holds a result, of whatever version."""
    found = attributes_of(path)
    return found is not None and found.get("format") == FORMAT
