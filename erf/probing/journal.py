"""The journal of a probe: finished blocks of patches on disk, where an interrupted probe goes on.

A journal is a folder. ``journal.json`` holds everything that decides a number: the plans, hashes of
image and weights, engine, software. Each round of draws is a folder in it; the patches of some rows
of the grid are a block, which is one file of NumPy's there, with a checksum of every array. A file
is written whole or not at all, also by a process that is killed or when the power fails; one that
was damaged since is measured again.

Blocks are computed one at a time and each in the same way whatever was done before, so that a
probe that was interrupted and one that was not give the same bits.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from erf.atomic import STAGING, new_file, write_text
from erf.errors import StoreError
from erf.geometry import PatchGrid
from erf.probing.tally import Tally

FORMAT = "erf-probe journal"
VERSION = 3
NOTE = "journal.json"
MOST_BLOCKS = 32
"""An interruption costs at most this part of the work; more blocks would make batches small."""


@runtime_checkable
class Record(Protocol):
    """What `erf.probing.draws.take_draws` asks before a block of patches, and tells after it."""

    @property
    def blocks(self) -> Sequence[slice]:
        """Patches of each block, flat indices into the grid."""
        ...

    def restore(self, block: int, draws: range, tallies: Sequence[Tally]) -> bool:
        """Give the tallies what is known of a block; False when it has yet to be measured."""
        ...

    def keep(self, block: int, draws: range, tallies: Sequence[Tally]) -> None:
        """Take what the tallies know of a block that has been measured."""
        ...


class Unrecorded:
    """Keeps nothing: all patches are one block."""

    def __init__(self, grid: PatchGrid) -> None:
        self.blocks = [slice(0, len(grid))]

    def restore(self, block: int, draws: range, tallies: Sequence[Tally]) -> bool:
        """Nothing is known."""
        return False

    def keep(self, block: int, draws: range, tallies: Sequence[Tally]) -> None:
        """Nothing is kept."""


class Journal:
    """Keeps every finished block in a folder.

    Args:
        path: a new folder, or one where the same probe was interrupted.
        grid: of the patches.
        request: everything that decides a number, JSON-compatible.

    Raises:
        StoreError: when the folder holds something else, or the journal of another request.
    """

    def __init__(self, path: Path, grid: PatchGrid, request: dict[str, Any]) -> None:
        self.blocks, self.path = split_rows(grid), path
        _open(path, json.loads(json.dumps(request)))

    def restore(self, block: int, draws: range, tallies: Sequence[Tally]) -> bool:
        """Give the tallies what is known of a block; False when it has yet to be measured."""
        known, patches = _read(self._place(block, draws)), self.blocks[block]
        found: list[dict[str, Any]] = [
            {name: known.get(f"{name}_{index}") for name in tally.cut(patches, draws)}
            for index, tally in enumerate(tallies)
        ]
        if any(values is None for names in found for values in names.values()):
            return False
        for tally, names in zip(tallies, found, strict=True):
            tally.paste(patches, draws, names)
        return True

    def keep(self, block: int, draws: range, tallies: Sequence[Tally]) -> None:
        """Write what the tallies know of a block, all of it or nothing."""
        arrays: dict[str, Any] = {
            f"{name}_{index}": values
            for index, tally in enumerate(tallies)
            for name, values in tally.cut(self.blocks[block], draws).items()
        }
        with new_file(self._place(block, draws), replace=True) as staging:
            np.savez(staging, **arrays)

    def _place(self, block: int, draws: range) -> Path:
        return self.path / f"draws-{draws.start}-{draws.stop}" / f"{block:02d}.npz"


def split_rows(grid: PatchGrid) -> list[slice]:
    """Whole rows of patches, in at most `MOST_BLOCKS` blocks of one size."""
    rows, cols = grid.shape
    step = math.ceil(rows / MOST_BLOCKS) * cols
    return [slice(start, min(start + step, len(grid))) for start in range(0, len(grid), step)]


def _open(path: Path, request: dict[str, Any]) -> None:
    """Begin a journal, or make sure that it is the one of this request."""
    held = [each.name for each in path.iterdir()] if path.is_dir() else []
    if not path.is_file() and all(map(STAGING.fullmatch, held)):  # of one killed as it began
        words = {"format": FORMAT, "version": VERSION, "request": request}
        write_text(path / NOTE, json.dumps(words, indent=2) + "\n", replace=True)
        return
    found: Any = None
    with suppress(OSError, ValueError, RecursionError):
        found = json.loads((path / NOTE).read_text(encoding="utf-8"))
    known = isinstance(found, dict) and found.get("format") == FORMAT
    if not known or found.get("version") != VERSION:
        raise StoreError(
            f"{path} is there already and is no journal of a probe of this version of erf-probe: "
            "remove it or choose another place"
        )
    before = found.get("request", {})
    for name in request:
        if before.get(name) != request[name]:
            raise StoreError(
                f"{path} is the journal of another probe: {name} was {before.get(name)}, "
                f"not {request[name]}; remove it or choose another place"
            )


def _read(place: Path) -> Mapping[str, np.ndarray]:
    """The arrays of a block; none where it is not there, or was damaged."""
    try:
        with np.load(place, allow_pickle=False) as kept:
            return dict(kept)
    except Exception as error:  # whatever a damaged file makes NumPy, zip or the system raise
        if isinstance(error, MemoryError):
            raise
        return {}
