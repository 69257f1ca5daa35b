"""Where saved results lie: one, or those of many images in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from erf.errors import StoreError
from erf.results import LayerResult, UnitResult, open_result
from erf.study.study import Study
from erf.study.tree import find_places, read_root


def open_results(path: str | Path, unit: str | None = None) -> list[UnitResult | LayerResult]:
    """The result at a path, or all in a folder, in the order of a study's plan or of their names.

    Args:
        path: of a result, of a folder or of a study.
        unit: of a study that asked for several: the results of this name alone.

    Raises:
        StoreError: when there is nothing, no result in the folder, or one cannot be read.
    """
    path = Path(path)
    if not path.exists():
        raise StoreError(f"{path}: no such result or folder")
    found = find_results(path)
    if not found:
        raise StoreError(f"{path}: holds no result of a probe")
    if read_root(path) is None:
        return [open_result(place) for place in found]
    study = Study.open(path)
    return (study.select(unit=unit) if unit in study.axis("unit") else study).results()


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
