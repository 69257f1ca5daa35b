"""What a probe tells a person: a short table, a figure, an average over many results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import erf
    from cli.arguments.model import LoadedModel

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

    table = Table(box=box.SIMPLE, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, text in describe(result, loaded, sigma).items():
        table.add_row(name, text)
    console = Console()
    console.print(table)
    for note in result.engine.notes:
        console.print(f"note: {note}", highlight=False, soft_wrap=True)


def describe(result: Result, loaded: LoadedModel, sigma: float) -> dict[str, str]:
    """The table's lines: what was asked, and what came out."""
    from erf.settings import Disturbance

    settings = result.settings
    lines = {
        "model": f"{loaded.name} ({'random weights' if loaded.random else 'trained'})",
        "layer, unit": str(result.target),
        "image": "{} x {} px".format(*result.image_size),
    }
    if isinstance(settings, Disturbance):
        stimulus = settings.disturbing.name
        lines["patch, stride"] = f"{settings.patch} px, {settings.step} px"
        lines["draws"] = f"{result.draws} of {stimulus}, sigma {sigma:g} of 255"
        lines["engine"] = _engine(result)
    else:
        lines["method"] = f"{settings.method}, {result.draws} projections"
    return lines | _found(result)


def _engine(result: Result) -> str:
    check = result.engine.check
    if check is None or not check.agrees:
        return result.engine.name
    return f"{result.engine.name}, compared with dense: {check.summary}"


def _found(result: Result) -> dict[str, str]:
    import erf

    if isinstance(result, erf.LayerResult):
        shape = " x ".join(map(str, result.discrepancy.shape))
        return {
            "theoretical": "unknown" if result.theory is None else "each unit has its own",
            "influence": f"{shape} (patch rows, cols, unit rows, cols)",
        }
    found = erf.measure(result)
    interval = found.interval("side")
    spread = "" if interval is None else f" (95 % interval {interval[0]:.0f} to {interval[1]:.0f})"
    return {
        "theoretical": _theoretical(result.theory),
        "empirical": f"{found.side:.0f} px a side{spread}: {found.size().meaning}",
        "share": found.summary,
    }


def _theoretical(theory: erf.UnitTheory | None) -> str:
    if theory is None:
        return "unknown"
    if theory.status == "whole_image" or theory.size is None:
        return theory.status.replace("_", " ")
    status = "" if theory.status == "exact" else f" ({theory.status.replace('_', ' ')})"
    return "{} x {} px{}, {} x {} inside the image".format(*theory.size, status, *theory.box.size)


def draw_field(result: Result, path: Path) -> None:
    """Draw the field of one unit and say where; a figure that is there already stays."""
    import erf
    import figures

    if not isinstance(result, erf.UnitResult):
        return
    if not path.exists():
        figures.save(figures.field_figure(result), path)
    click.echo(f"figure  {path}")


def print_average(results: Sequence[Result]) -> None:
    """Print the size of the average of several fields, recentred on their units."""
    import erf

    units = [result for result in results if isinstance(result, erf.UnitResult)]
    if len(units) > 1:
        found = erf.measure(erf.calibrate(units))
        click.echo(f"\n{len(units)} fields, recentred on their units and averaged:")
        click.echo(found.sentence)
