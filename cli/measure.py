"""``erf measure``: every size of a saved field."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.arguments.setting import Names

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
@click.option("--json", "as_json", is_flag=True, help="All numbers, as JSON.")
def measure(
    result: Path,
    criterion: str,
    share: float | None,
    preset: str | None,
    level: float,
    recentre: bool,
    as_json: bool,
) -> None:
    """Measure the field of a saved RESULT of one unit.

    RESULT may be a folder of results of one unit on many images: their average is measured.
    """
    import erf
    from erf.study import open_results

    fields = erf.measures.fields_of(open_results(result))
    field = _combine(fields, recentre)
    if preset is not None:
        _print_preset(erf.preset(preset, field), field.patch, as_json)
        return
    found = erf.measure(field, criterion=criterion, share=share, level=level)
    if as_json:
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
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from erf.measures import describe, size_label

    console = Console(markup=False)
    console.print(found.sentence, highlight=False, soft_wrap=True)
    table = Table(box=box.SIMPLE)
    whole = "of map" if found.recentred else "of image"
    for name in ("size", "area, px", "interval", "side, px", whole, "of theory"):
        table.add_column(name, justify="left" if name == "size" else "right")
    for size in found.records():
        low, high, theory = size["area_low"], size["area_high"], size["share_of_theory"]
        table.add_row(
            size_label(str(size["size"])),
            f"{size['area']:,.0f}",
            "" if low is None else f"{low:,.0f} to {high:,.0f}",
            f"{size['side']:.1f}",
            f"{size['share_of_image']:.1%}".replace("%", " %"),
            "" if theory is None else f"{theory:.1%}".replace("%", " %"),
        )
    console.print(table)
    for line in describe(found, fields):
        console.print(line, highlight=False, soft_wrap=True)


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
