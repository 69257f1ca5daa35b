"""Finding saved results: one, or those of many images in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import erf


def open_results(path: Path) -> list[erf.ProbeResult]:
    """The result at a path, or all results in a folder, in the order of their names.

    Raises:
        click.BadParameter: when there is nothing, or no result in the folder.
        StoreError: when a result cannot be read.
    """
    import erf

    if not path.exists():
        raise click.BadParameter(f"{path}: no such result or folder")
    if (path / "zarr.json").exists():
        return [erf.open(path)]
    found = sorted(place.parent for place in path.rglob("zarr.json") if _is_outermost(place, path))
    if not found:
        raise click.BadParameter(f"{path}: holds no result of erf probe")
    return [erf.open(place) for place in found]


def _is_outermost(place: Path, root: Path) -> bool:
    """Whether no folder between ``root`` and this one is a Zarr group itself."""
    between = place.parent.relative_to(root).parents
    return not any((root / each / "zarr.json").exists() for each in between)
