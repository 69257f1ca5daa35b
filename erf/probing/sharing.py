"""Sharing a pass: several workers measure its blocks into one journal, the last puts it together.

The blocks are those of the journal whoever measures them, so that workers change no bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from erf.errors import SettingError
from erf.model import Specimen
from erf.probing.draws import most_draws, take_draws
from erf.probing.journal import Journal, Record
from erf.probing.passes import Asked, prepare, request_of
from erf.probing.tally import Tally
from erf.results import LayerResult, UnitResult
from erf.settings import Disturbance, Until


class Share:
    """Some blocks of a record, which are measured here; it never reads the others.

    Args:
        record: of the whole pass.
        blocks: the numbers of those that are measured here.
    """

    def __init__(self, record: Record, blocks: range) -> None:
        self.record, self.own, self.blocks = record, blocks, record.blocks

    def restore(self, block: int, draws: range, tallies: Sequence[Tally]) -> bool:
        """Whether there is nothing to measure: it is another's, or known."""
        return block not in self.own or self.record.restore(block, draws, tallies)

    def keep(self, block: int, draws: range, tallies: Sequence[Tally]) -> None:
        """Let the record take it."""
        self.record.keep(block, draws, tallies)


def run_shares(
    specimen: Specimen,
    asked: Sequence[Asked],
    settings: Disturbance,
    *,
    journal: Path,
    shares: Iterable[range],
    is_last: Callable[[], bool],
) -> list[UnitResult | LayerResult] | None:
    """Measure some blocks of a pass, while others measure the rest; see `erf.probing.run`.

    Args:
        specimen, asked, settings: as of `run`; the same for all workers.
        journal: a folder that they have in common.
        shares: numbers of blocks, taken one share after the other.
        is_last: called after each share: whether all blocks of all workers are measured.

    Returns:
        The results, if the last share was measured here.

    Raises:
        SettingError: when the number of draws hangs on all patches (``draws=until(...)``).
        ErfError: as `run`.
    """
    if isinstance(settings.rule, Until):
        raise SettingError("draws 'auto' hang on all patches: such a pass cannot be shared")
    whole = False
    with specimen.lent():
        ready = prepare(specimen, asked, settings, journal=journal)
        asks = request_of(ready.watched, settings, ready.origin, ready.choice.report)
        record = Journal(journal, ready.grid, asks)

        def take(some: Record) -> None:
            engine, tallies = ready.choice.engine, ready.tallies
            rest = (settings.rule, engine, ready.grid, ready.disturb, tallies)
            take_draws(*rest, record=some, progress=False)

        for blocks in shares:
            take(Share(record, blocks))
            whole = is_last() or whole
        if whole:
            take(record)
    return ready.results(specimen, settings, most_draws(settings.rule)) if whole else None
