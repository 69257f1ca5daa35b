"""What a probe tells a person: a short table, a figure, an average over many results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import erf
    from cli.arguments.model import LoadedModel


def print_result(result: erf.ProbeResult, loaded: LoadedModel, sigma: float) -> None:
    """Print the short table of one result.

    Args:
        result: of a unit or a whole layer.
        loaded: the model.
        sigma: of the noise, grey levels.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    plan = result.plan
    table = Table(box=box.SIMPLE, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("model", f"{loaded.name} ({'random weights' if loaded.random else 'trained'})")
    table.add_row("layer, unit", str(result.target))
    table.add_row("image", "{} x {} px".format(*result.image.shape[-2:]))
    if plan.stimulus == "gradient":
        table.add_row("method", f"gradient, {plan.draws} projections")
    else:
        table.add_row("patch, stride", f"{plan.patch} px, {plan.stride} px")
        table.add_row("draws", f"{plan.draws} of {plan.stimulus}, sigma {sigma:g} of 255")
        table.add_row("engine", _engine(result))
    table.add_row("theoretical", _theoretical(result))
    for label, text in _empirical(result):
        table.add_row(label, text)
    console = Console()
    console.print(table)
    for note in result.provenance["engine"]["notes"]:
        console.print(f"note: {note}", highlight=False)


def _engine(result: erf.ProbeResult) -> str:
    check = result.provenance["engine"].get("check")
    if not check or not check["agrees"]:
        return result.engine
    return (
        f"{result.engine}, within {check['difference']:.0e} of dense on {check['patches']} patches"
    )


def _theoretical(result: erf.ProbeResult) -> str:
    theory = result.theory
    if theory is None:
        return "each unit has its own" if result.target.unit is None else "unknown"
    if theory.status == "whole_image" or theory.size is None:
        return theory.status.replace("_", " ")
    status = "" if theory.status == "exact" else f" ({theory.status.replace('_', ' ')})"
    return "{} x {} px{}, {} x {} inside the image".format(*theory.size, status, *theory.box.size)


def _empirical(result: erf.ProbeResult) -> list[tuple[str, str]]:
    import erf

    if result.target.unit is None:
        shape = " x ".join(map(str, result.discrepancy.shape))
        return [("influence", f"{shape} (patch rows, cols, unit rows, cols)")]
    found = erf.measure(result)
    interval = found.interval("side")
    spread = "" if interval is None else f" (95 % interval {interval[0]:.0f} to {interval[1]:.0f})"
    return [
        ("empirical", f"{found.side:.0f} px a side{spread}: {found.size().meaning}"),
        ("share", found.summary),
    ]


def draw_field(result: erf.ProbeResult, path: Path) -> None:
    """Draw the field of one unit and say where; a figure that is there already stays."""
    import erf
    import figures

    if result.target.unit is None:
        return
    if not path.exists():
        figures.save(figures.field_figure(result, erf.measure(result)), path)
    click.echo(f"figure  {path}")


def print_average(results: Sequence[erf.ProbeResult]) -> None:
    """Print the size of the average of several fields, recentred on their units."""
    import erf
    from erf.measures import Field

    fields = [Field.of(result) for result in results if result.target.unit is not None]
    if len(fields) > 1:
        found = erf.measure(erf.calibrate(fields))
        click.echo(f"\n{len(fields)} fields, recentred on their units and averaged:")
        click.echo(found.sentence)
