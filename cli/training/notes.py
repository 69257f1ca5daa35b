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
    from parsenet.training import SnapshotWarning, StatisticsWarning, StoppingWarning

    kinds = (SnapshotWarning, StatisticsWarning, StoppingWarning)
    with warnings.catch_warnings():
        for kind in kinds:
            warnings.simplefilter("always", kind)
        usual = warnings.showwarning

        def show(message: Any, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, kinds):
                click.echo(f"note: {message}", err=True)
            else:
                usual(message, category, *where, **more)

        warnings.showwarning = show
        yield
