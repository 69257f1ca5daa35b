"""What a probe tells a person: a short table, a figure, an average over many results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import erf
    from erf import LoadedModel

    Result = erf.UnitResult | erf.LayerResult


def print_result(result: Result, loaded: LoadedModel, sigma: float) -> None:
    """Print the short table of one result, and what its engine noticed.

    Args:
        result: of a unit or a whole layer.
        loaded: the model.
        sigma: of the noise, grey levels.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from erf.measures import describe_result

    table = Table(box=box.SIMPLE, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, text in describe_result(result, loaded.label, sigma).items():
        table.add_row(name, text)
    console = Console(markup=False)
    console.print(table)
    for note in result.engine.notes:
        console.print(f"note: {note}", highlight=False, soft_wrap=True)


def draw_field(result: Result, path: Path) -> None:
    """Draw the field of one unit and say where; a figure that is there already stays."""
    import erf
    import figures

    if not isinstance(result, erf.UnitResult):
        return
    if not path.exists():
        figures.save(figures.field_figure(result), path)
    click.echo(f"figure  {path}")


def may_run_alone() -> bool:
    """Whether this is the first of torchrun's workers, or no worker; another is told why not."""
    from erf.study.team import Team

    first = Team.is_first()
    if not first:
        click.echo("one layer of one model is measured by worker 0; see erf study", err=True)
    return first


def print_average(results: Sequence[Result]) -> None:
    """Print the size of the average of several fields, recentred on their units."""
    import erf

    units = [result for result in results if isinstance(result, erf.UnitResult)]
    if len(units) > 1:
        found = erf.measure(erf.calibrate(units))
        click.echo(f"\n{len(units)} fields, recentred on their units and averaged:")
        click.echo(found.sentence)
