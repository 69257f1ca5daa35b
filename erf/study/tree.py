"""The tree of a study: one root group, and below it a group a model, method, photo, layer and unit.

    DIR/resnet18/noise/cat-1a2b3c4d/layer2/center            a result
    DIR/resnet18/noise/cat-1a2b3c4d/layer2/grid-3/12,5       one of several units

A task's results are written beside the tree, in ``.work``, and renamed into it together. So a
reader finds all of a task or nothing, and no two workers touch the same file.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from erf.atomic import new_folder, sweep, write_text
from erf.errors import StoreError
from erf.results.group import attributes_of, is_result, write_group

FORMAT = "erf-probe study"
VERSION = 1
WORK, MORE = ".work", ".more"
"""What is not finished: journals, results that are being written, notes on what failed."""


def read_root(path: Path) -> dict[str, Any] | None:
    """What the root of a study says of its plan; None where there is no study.

    Raises:
        StoreError: when the study is of a version that is not known here.
    """
    found = attributes_of(path)
    if found is None or found.get("format") != FORMAT:
        return None
    if found.get("version") != VERSION:
        raise StoreError(
            f"{path} has study version {found.get('version')}, this software reads {VERSION}"
        )
    return found


def write_root(path: Path, plan: Mapping[str, Any]) -> None:
    """Write the root of a study, or one whose plan has grown, in one step."""
    wanted = {"format": FORMAT, "version": VERSION, "plan": dict(plan)}
    if attributes_of(path) != json.loads(json.dumps(wanted)):
        write_group(path, wanted, replace=True)


@contextmanager
def publish(root: Path, place: str) -> Iterator[Path]:
    """Yield a folder to fill with results, which then takes its place in the tree.

    Where the place is there already, as when a layer is added, what is in the folder is put into
    it, layer by layer.
    """
    work = root / WORK
    work.mkdir(exist_ok=True)
    target = root / place
    for parent in (target.parent.parent, target.parent):
        ensure_group(parent)
    if not target.exists():
        with new_folder(target, staging=work) as staging:
            write_group(staging)
            yield staging
        return
    more = work / f"{target.name}{MORE}"
    with new_folder(more) as staging:
        (staging / place).mkdir(parents=True)
        yield staging / place
    finish_moves(root)


def finish_moves(root: Path) -> None:
    """Put into the tree what was added to tasks that were there, also after a kill on the way."""
    for more in sorted((root / WORK).glob(f"*{MORE}")):
        for layer in sorted(more.glob("*/*/*/*")):
            _merge(layer, root / layer.relative_to(more))
        shutil.rmtree(more)


def _merge(layer: Path, target: Path) -> None:
    """Put the units of a layer where they belong."""
    if not target.exists():
        layer.rename(target)
        return
    for unit in sorted(layer.iterdir()):
        if unit.is_dir() and not (target / unit.name).exists():
            unit.rename(target / unit.name)


def ensure_group(path: Path) -> None:
    """Make a group where none is; of several writers each writes the same."""
    if attributes_of(path) is None:
        path.mkdir(exist_ok=True)
        write_group(path, replace=True)


def find_places(path: Path) -> list[Path]:
    """The results below a path, in the order of their names; what is hidden is none.

    Raises:
        StoreError: when a folder cannot be read.
    """
    if is_result(path):
        return [path]
    try:
        inside = sorted(each for each in path.iterdir() if each.name[0] != "." and each.is_dir())
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error}") from error
    return [place for each in inside for place in find_places(each)]


def note(root: Path, key: str, values: Mapping[str, Any]) -> None:
    """Keep why a task was left out or failed."""
    (root / WORK).mkdir(exist_ok=True)
    write_text(root / WORK / f"{key}.json", json.dumps(dict(values), indent=2), replace=True)


def notes(root: Path) -> list[dict[str, Any]]:
    """Why tasks were left out or failed."""
    found = []
    for path in sorted((root / WORK).glob("*.json")):
        with suppress(OSError, ValueError):
            found.append(json.loads(path.read_text(encoding="utf-8")))
    return found


def begin_anew(root: Path) -> None:
    """Forget what failed, which is tried anew, and finish or remove what killed writers left."""
    work = root / WORK
    if not work.is_dir():
        return
    finish_moves(root)
    sweep(work)
    for path in work.glob("*.json"):
        path.unlink()


def tidy(root: Path, journals: frozenset[str]) -> None:
    """Remove journals that no task goes on with, and the folder of unfinished work if it is empty.

    Args:
        root: of the study.
        journals: names of those that are still of use.
    """
    work = root / WORK
    for path in work.glob("*.journal"):
        if path.name not in journals:
            shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):
        work.rmdir()
