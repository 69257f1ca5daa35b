"""How many draws a probe takes: a number, or as many as the size's interval asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from erf.engines.engine import Change, Engine
from erf.errors import SettingError
from erf.geometry import PatchGrid
from erf.journal import Record
from erf.measures.stopping import FIRST_DRAWS, precision
from erf.progress import progress_bar
from erf.tally import Tally


@dataclass(frozen=True)
class UntilPrecise:
    """Go on until the size of every unit is known well enough: ``draws="auto"``.

    Attributes:
        tolerance: wanted half-width of the size's 95 % interval, relative to the size.
        limit: no more draws than this.
    """

    tolerance: float = 0.02
    limit: int = 64

    def next(self, taken: int, tallies: Sequence[Tally], grid: PatchGrid) -> int:
        """Draws to go on to in all; ``taken`` when there are enough.

        Raises:
            SettingError: for a whole layer, whose draws are not kept.
        """
        if taken == 0:
            return min(FIRST_DRAWS, self.limit)
        wanted = taken
        for tally in tallies:
            if tally.samples is None:
                raise SettingError("draws 'auto' judges the size of one unit, not of a whole layer")
            found = precision(tally.samples, grid.areas, tolerance=self.tolerance, limit=self.limit)
            wanted = max(wanted, found.next_draws)
        return wanted


@dataclass(frozen=True)
class Exactly:
    """Take this many draws."""

    draws: int

    def next(self, taken: int, tallies: Sequence[Tally], grid: PatchGrid) -> int:
        """Draws to go on to in all; ``taken`` when there are enough."""
        return self.draws


def take_draws(
    rule: Exactly | UntilPrecise,
    engine: Engine,
    grid: PatchGrid,
    change: Change,
    tallies: Sequence[Tally],
    *,
    record: Record,
    progress: bool,
) -> int:
    """Let the engine disturb every patch, draw after draw, and add up what each target answers.

    Returns:
        The number of draws that were taken.
    """
    taken, goal = 0, rule.next(0, tallies, grid)
    while goal > taken:
        for tally in tallies:
            tally.expect(goal)
        draws = range(taken, goal)
        with progress_bar("Probing", len(grid) * len(draws), show=progress) as advance:
            for block, patches in enumerate(record.blocks):
                if record.restore(block, draws, tallies):
                    advance((patches.stop - patches.start) * len(draws))
                    continue
                some = range(patches.start, patches.stop)
                for reading in engine.measure(grid, some, draws, change):
                    for tally, values in zip(tallies, reading.values, strict=True):
                        tally.add(reading.patches, reading.draws, values)
                    advance(len(reading.patches))
                record.keep(block, draws, tallies)
        taken, goal = goal, rule.next(goal, tallies, grid)
    return taken
