"""What a probe will need, known before it begins: memory while it runs, disk for its journal."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path

import psutil

from erf.errors import SettingError
from erf.geometry import PatchGrid, Target
from erf.memory import show_memory

NUMBER = 8
"""Bytes of a number in double precision."""
COPIES = 6
"""Sums, squares, mean, standard error, and what computing these takes."""
LARGE = 2**30
"""Bytes from which on a user is told before."""


@dataclass(frozen=True)
class Cost:
    """Bytes that a probe's results need besides the model's own.

    Attributes:
        memory: at most, while it runs and is put together.
        disk: of the journal; 0 without one.
        what: what is measured, for messages.
    """

    memory: int
    disk: int
    what: str

    @property
    def sentence(self) -> str:
        """For a person, before it begins."""
        kept = f" and {show_memory(self.disk)} of disk for its journal" if self.disk else ""
        return f"{self.what}: needs {show_memory(self.memory)} of memory{kept}"

    def check(self, journal: Path | None, budget: int) -> int:
        """Refuse what cannot fit.

        Args:
            journal: where it would be kept, None where it is not.
            budget: bytes that the settings allow.

        Returns:
            What is left of the budget for disturbances.

        Raises:
            SettingError: with what is needed, and what is allowed or free.
        """
        if self.memory >= budget:
            raise SettingError(
                f"{self.what}: needs {show_memory(self.memory)} of memory for the result, and "
                f"--memory allows {show_memory(budget)}; larger patches and strides or fewer units "
                "need less"
            )
        free = free_memory()
        if self.memory > free:
            raise SettingError(
                f"{self.what}: needs {show_memory(self.memory)} of memory, and "
                f"{show_memory(free)} are free; larger patches and strides or fewer units need less"
            )
        if journal is None:
            return budget - self.memory
        place = next(each for each in (journal, *journal.absolute().parents) if each.exists())
        space = shutil.disk_usage(place).free
        if self.disk > space:
            raise SettingError(
                f"{self.what}: its journal needs {show_memory(self.disk)} of disk, and "
                f"{show_memory(space)} are free at {place}"
            )
        return budget - self.memory

    def announce(self) -> None:
        """Say on standard error what is needed, if that is much."""
        if max(self.memory, self.disk) >= LARGE:
            print(self.sentence, file=sys.stderr)


def cost_of(
    targets: Sequence[Target],
    units: Sequence[tuple[int, int]],
    grid: PatchGrid,
    draws: int,
    *,
    journal: bool,
) -> Cost:
    """What measuring some targets needs.

    Args:
        targets: units, or whole layers.
        units: (rows, cols) of each target's layer.
        grid: of the patches.
        draws: of each patch, as many as may be taken.
        journal: whether finished blocks are kept on disk.

    Example:
        >>> grid = PatchGrid((64, 64), 8, 8)
        >>> cost_of([Target("fc7")], [(8, 8)], grid, 2, journal=False).memory == 64 * 64 * 8 * 6
        True
    """
    memory = disk = 0
    for target, size in zip(targets, units, strict=True):
        whole = target.unit is None
        values = len(grid) * (prod(size) if whole else draws)
        memory += NUMBER * values * COPIES
        disk += NUMBER * values * (2 if whole else 1)
    largest = max(zip(targets, units, strict=True), key=lambda each: prod(each[1]))
    name = str(largest[0]) if len(targets) == 1 else f"{len(targets)} targets"
    count = f" of {prod(largest[1]):,} units" if largest[0].unit is None else ""
    return Cost(memory, disk if journal else 0, f"{name}{count} on {len(grid):,} patches")


def free_memory() -> int:
    """Bytes that this process may still take, of the machine, its container and its limits."""
    free = [int(psutil.virtual_memory().available)]
    if os.name == "posix":
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            free.append(limit - int(psutil.Process().memory_info().vms))
    with suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        most = int((group / "memory.max").read_text())
        free.append(most - int((group / "memory.current").read_text()))
    return max(0, min(free))
