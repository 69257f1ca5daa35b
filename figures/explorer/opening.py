"""The ways in: models by name, or a subject that is at hand."""

from __future__ import annotations

import sys
from pathlib import Path

from erf.subject import Subject
from figures.explorer.order import OfSubject, Order
from figures.explorer.server import Explorer
from figures.explorer.worker import ProcessWorker, ThreadWorker

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
