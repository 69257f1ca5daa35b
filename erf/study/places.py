"""Where saved results lie: one, or those of many images in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from erf.errors import StoreError
from erf.results import LayerResult, UnitResult, open_result
from erf.study.tree import find_places


def open_results(path: str | Path) -> list[UnitResult | LayerResult]:
    """The result at a path, or all results in a folder, in the order of their names.

    Raises:
        StoreError: when there is nothing, no result in the folder, or one cannot be read.
    """
    path = Path(path)
    if not path.exists():
        raise StoreError(f"{path}: no such result or folder")
    found = find_results(path)
    if not found:
        raise StoreError(f"{path}: holds no result of a probe")
    return [open_result(place) for place in found]


def named_paths(paths: Sequence[Path]) -> dict[str, Path]:
    """A short name for each path; the whole path where short ones are not unique.

    Raises:
        StoreError: when a path is named twice.
    """
    short = [path.parent.name if path.name == "result.zarr" else path.name for path in paths]
    if len(set(short)) < len(short) or not all(short):
        short = [str(path) for path in paths]
    if len(set(short)) < len(short):
        raise StoreError("the same result is named twice")
    return dict(zip(short, paths, strict=True))


def find_results(path: Path) -> list[Path]:
    """The result at a path, or all in a folder; a journal (its name begins with a dot) is none."""
    return find_places(path)
