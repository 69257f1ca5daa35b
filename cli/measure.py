"""``erf measure``: every size of a saved field."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.arguments.setting import Names
from cli.arguments.table import show_table

if TYPE_CHECKING:
    import erf
    from erf.measures import PresetReport


@click.command()
@click.argument("result", type=click.Path(path_type=Path))
@click.option(
    "--criterion",
    type=Names("erf.measures", "SIZES", more=("significant",)),
    default="mass",
    help="What the field is: the smallest area with a share of the mass, the area above a share "
    "of the peak, the patches significantly above rounding, or any other size.",
)
@click.option("--share", type=float, help="Of mass or peak.  [default: the criterion's own]")
@click.option(
    "--preset", type=Names("erf.measures", "PRESETS"), help="A published measure instead."
)
@click.option("--level", type=float, default=0.95, help="Of the intervals.")
@click.option("--recentre", is_flag=True, help="Average several fields around their units.")
@click.option("--json", "form", flag_value="json", help="All numbers, as JSON.")
@click.option("--csv", "form", flag_value="csv", help="The table of a study, as CSV.")
@click.option("--latex", "form", flag_value="latex", help="The table of a study, for a paper.")
@click.option("--mixed", is_flag=True, help="Results may differ in patch, stimulus, image size.")
def measure(
    result: Path,
    criterion: str,
    share: float | None,
    preset: str | None,
    level: float,
    recentre: bool,
    form: str | None,
    mixed: bool,
) -> None:
    """Measure the field of a saved RESULT of one unit; of a study, a table.

    RESULT may be a folder of results of one unit on many images: their average is measured.
    """
    import erf
    from erf.study import open_results
    from erf.study.table import is_one_question

    if form in ("csv", "latex") or not (preset or recentre or is_one_question(result)):
        named = criterion if share is None else f"{criterion}:{share:g}"
        table = erf.Study.open(result).measure(criterion=named, level=level, mixed=mixed)
        show_table(*table.cells()) if form is None else click.echo(getattr(table, f"to_{form}")())
        return

    fields = erf.measures.fields_of(open_results(result))
    field = _combine(fields, recentre)
    if preset is not None:
        _print_preset(erf.preset(preset, field), field.patch, form is not None)
        return
    found = erf.measure(field, criterion=criterion, share=share, level=level)
    if form is not None:
        click.echo(found.to_json())
    else:
        _print_measurement(found, len(fields))


def _combine(fields: Sequence[erf.Field], recentre: bool) -> erf.Field:
    """The one field, or the average of several.

    Raises:
        click.UsageError: when they cannot be averaged as they lie.
    """
    import erf

    if recentre:
        return erf.calibrate(fields)
    if len(fields) == 1:
        return fields[0]
    try:
        return erf.average(fields)
    except erf.SettingError as error:
        what = str(error).partition(": ")[0]
        raise click.UsageError(f"{what}: average them around their units with --recentre") from None


def _print_measurement(found: erf.Measurement, fields: int) -> None:
    from erf.measures import describe
    from erf.measures.describing import size_cells

    click.echo(found.sentence)
    show_table(*size_cells(found), describe(found, fields))


def _print_preset(report: PresetReport, patch: int, as_json: bool) -> None:
    if as_json:
        click.echo(report.to_json(patch=patch))
        return
    click.echo(f"{report.name} on {report.image_size[0]}x{report.image_size[1]} pixels")
    for name, value in report.values.items():
        click.echo(f"  {name:>18}  {'-' if value is None else f'{value:.6g}'}")
    for defect in report.defects:
        click.echo(f"note: {defect}")
    if patch > 1:
        click.echo(
            f"note: the authors take gradients of single pixels, this map has patches of {patch} px"
        )
