"""Finding saved results: one, or those of many images in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import erf


def open_results(path: Path) -> list[erf.UnitResult | erf.LayerResult]:
    """The result at a path, or all results in a folder, in the order of their names.

    Raises:
        click.BadParameter: when there is nothing, or no result in the folder.
        StoreError: when a result cannot be read.
    """
    if not path.exists():
        raise click.BadParameter(f"{path}: no such result or folder")
    import erf

    found = find_results(path)
    if not found:
        raise click.BadParameter(f"{path}: holds no result of erf probe")
    return [erf.open(place) for place in found]


def find_results(path: Path) -> list[Path]:
    """The result at a path, or all in a folder; a journal (its name begins with a dot) is none."""
    if (path / "zarr.json").exists():
        return [path]
    places = sorted(place.parent for place in path.rglob("zarr.json"))
    return [place for place in places if not _is_within(place, path)]


def _is_within(place: Path, root: Path) -> bool:
    """Whether a folder between ``root`` and this one is a Zarr group itself, or is hidden."""
    inside = place.relative_to(root)
    groups = any((root / each / "zarr.json").exists() for each in inside.parents)
    return groups or any(part.startswith(".") for part in inside.parts)
