"""What a training warns of, as a line for the user instead of a place in our code."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click


@contextmanager
def noted() -> Iterator[None]:
    """Print the trainer's own warnings on standard error as ``note: ...``, others as always."""
    from parsenet.training.snapshot import SnapshotWarning
    from parsenet.training.statistics import StatisticsWarning

    with warnings.catch_warnings():
        warnings.simplefilter("always", SnapshotWarning)
        warnings.simplefilter("always", StatisticsWarning)
        usual = warnings.showwarning

        def show(message: Any, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, SnapshotWarning | StatisticsWarning):
                click.echo(f"note: {message}", err=True)
            else:
                usual(message, category, *where, **more)

        warnings.showwarning = show
        yield
