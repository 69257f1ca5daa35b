"""The journal of a probe: finished blocks of patches on disk, where an interrupted probe goes on.

A journal is a Zarr (version 3) group. Its attributes hold everything that decides a number: the
plans, hashes of image and weights, engine, software. Each round of draws is a subgroup; the patches
of some rows of the grid are a block, which is one chunk of every array. A block is written once,
whole, and then marked: what a killed process left half-written is not marked and is done again.

Blocks are computed one at a time and each in the same way whatever was done before, so that a
probe that was interrupted and one that was not give the same bits.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import zarr

from erf.errors import StoreError
from erf.geometry import PatchGrid
from erf.probing.tally import Tally

FORMAT = "erf-probe journal"
VERSION = 2
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
        self.blocks = split_rows(grid)
        self._patches = len(grid)
        self._group = _open(path, json.loads(json.dumps(request)))

    def restore(self, block: int, draws: range, tallies: Sequence[Tally]) -> bool:
        """Give the tallies what is known of a block; False when it has yet to be measured."""
        kept = self._group.get(_name(draws))
        if not isinstance(kept, zarr.Group) or "done" not in kept or not _read(kept, "done")[block]:
            return False
        patches = self.blocks[block]
        for index, tally in enumerate(tallies):
            names = tally.cut(patches, draws)
            tally.paste(
                patches, draws, {name: _read(kept, f"{name}_{index}", patches) for name in names}
            )
        return True

    def keep(self, block: int, draws: range, tallies: Sequence[Tally]) -> None:
        """Write what the tallies know of a block, and then that it is whole."""
        kept = self._group.require_group(_name(draws))
        patches = self.blocks[block]
        for index, tally in enumerate(tallies):
            for name, values in tally.cut(patches, draws).items():
                self._array(kept, f"{name}_{index}", values)[patches] = values
        if "done" not in kept:
            kept.create_array("done", shape=(len(self.blocks),), chunks=(1,), dtype=bool)
        kept["done"][block] = True  # type: ignore[index]

    def _array(self, kept: zarr.Group, name: str, values: np.ndarray) -> Any:
        """An array over all patches, a block a chunk."""
        if name in kept:
            return kept[name]
        rest = values.shape[1:]
        step = self.blocks[0].stop
        return kept.create_array(
            name, shape=(self._patches, *rest), chunks=(step, *rest), dtype=values.dtype
        )


def split_rows(grid: PatchGrid) -> list[slice]:
    """Whole rows of patches, in at most `MOST_BLOCKS` blocks of one size."""
    rows, cols = grid.shape
    step = math.ceil(rows / MOST_BLOCKS) * cols
    return [slice(start, min(start + step, len(grid))) for start in range(0, len(grid), step)]


def _open(path: Path, request: dict[str, Any]) -> zarr.Group:
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Attributes come with the group, in one file: there is no journal of an unknown request.
        return zarr.create_group(
            path, attributes={"format": FORMAT, "version": VERSION, "request": request}
        )
    try:
        group = zarr.open_group(path, mode="r+")
    except (OSError, ValueError, KeyError):
        raise StoreError(f"{path} is there already and is no journal of a probe") from None
    if group.attrs.get("format") != FORMAT:
        raise StoreError(f"{path} is a Zarr group, but no journal of a probe")
    if group.attrs.get("version") != VERSION:
        raise StoreError(
            f"{path} is the journal of a probe by an earlier or later version of erf-probe: remove "
            "it and the probe begins anew"
        )
    before = json.loads(json.dumps(group.attrs["request"]))
    for name in request:
        if before.get(name) != request[name]:
            raise StoreError(
                f"{path} is the journal of another probe: {name} was {before.get(name)}, "
                f"not {request[name]}; remove it or choose another place"
            )
    return group


def _name(draws: range) -> str:
    return f"draws-{draws.start}-{draws.stop}"


def _read(group: zarr.Group, name: str, where: slice | None = None) -> Any:
    return np.asarray(group[name][... if where is None else where])  # type: ignore[index]
