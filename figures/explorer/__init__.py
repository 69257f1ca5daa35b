"""Click and see: a live page on this machine. What does this unit hear?

=================  ==============================================================
question           what a tab asks: pure, out of the page's JSON
order              what is explored: models by name, or a subject
bench              the worker's work, a step of one question at a time
worker             where that runs: a thread, or a process that may die
tab, views         a page: what it asks goes on, what comes back is painted
telling, painting  from results to words and numbers, to pixels and lines
server             the loopback address, a token, no other origin
keeping            results, figures and static pages that outlast it
=================  ==============================================================
"""

from __future__ import annotations

import sys
from pathlib import Path

from erf.subject import Subject
from figures.explorer.order import ByName, OfSubject, Order
from figures.explorer.server import Explorer
from figures.explorer.worker import ProcessWorker, ThreadWorker

__all__ = ["ByName", "Explorer", "explore", "explore_subject"]

OUT = Path("erf-runs", "explored")
"""Where results and pages are kept unless said."""


def explore(order: Order, *, port: int = 0) -> Explorer:
    """Explore models by name, in a process of their own; `Explorer.wait` serves.

    Raises:
        SourceError: when a model or the image cannot be had.
        SettingError: when the port is taken.
    """
    return Explorer(order, ProcessWorker, port=port)


def explore_subject(
    subject: Subject, *, port: int = 0, open_browser: bool = True, out: Path = OUT
) -> Explorer:
    """Explore a subject that is there already, in a thread of this process.

    Raises:
        SettingError: when the port is taken.
    """
    explorer = Explorer(OfSubject(subject, out), ThreadWorker, port=port)
    if open_browser and not in_notebook():
        explorer.open_browser()
    return explorer


def in_notebook() -> bool:
    """Whether what is returned is shown below a cell."""
    python = sys.modules.get("IPython")
    shell = None if python is None else python.get_ipython()
    return type(shell).__name__ == "ZMQInteractiveShell"
