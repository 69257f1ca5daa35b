"""Taking draws: a number of them, one by one, or as many as the size's interval asks for."""

from __future__ import annotations

from collections.abc import Sequence

from erf.engines.engine import Disturb, Engine
from erf.geometry import PatchGrid
from erf.measures.stopping import FIRST_DRAWS, precision
from erf.probing.journal import Record
from erf.probing.tally import Tally
from erf.progress import progress_bar
from erf.settings import OneByOne, Rule, Until


def next_goal(rule: Rule, taken: int, tallies: Sequence[Tally], grid: PatchGrid) -> int:
    """Draws to go on to in all; ``taken`` when there are enough."""
    if isinstance(rule, OneByOne):
        return min(taken + 1, rule.count)
    if not isinstance(rule, Until):
        return rule
    if taken == 0:
        return min(FIRST_DRAWS, rule.limit)
    wanted = taken
    for tally in tallies:
        assert tally.samples is not None
        found = precision(tally.samples, grid.areas, tolerance=rule.tolerance, limit=rule.limit)
        wanted = max(wanted, found.next_draws)
    return wanted


def most_draws(rule: Rule) -> int:
    """As many draws as may be taken.

    Example:
        >>> most_draws(4), most_draws(Until(0.02, limit=64))
        (4, 64)
    """
    if isinstance(rule, OneByOne):
        return rule.count
    return rule.limit if isinstance(rule, Until) else rule


def take_draws(
    rule: Rule,
    engine: Engine,
    grid: PatchGrid,
    disturb: Disturb,
    tallies: Sequence[Tally],
    *,
    record: Record,
    progress: bool,
) -> int:
    """Let the engine disturb every patch, draw after draw, and add up what each target answers.

    Returns:
        The number of draws that were taken.
    """
    taken, goal = 0, next_goal(rule, 0, tallies, grid)
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
                for reading in engine.measure(grid, some, draws, disturb):
                    for tally, values in zip(tallies, reading.values, strict=True):
                        tally.add(reading.patches, reading.draws, values)
                    advance(len(reading.patches))
                record.keep(block, draws, tallies)
        taken, goal = goal, next_goal(rule, goal, tallies, grid)
    return taken
