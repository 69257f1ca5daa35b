"""``erf measure``: every size of a saved field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.arguments.results import open_results

if TYPE_CHECKING:
    import erf
    from erf.measures import Field, PresetReport

PRESETS = ("luo", "openerf", "replknet", "slak", "vmamba", "zhou")


@click.command()
@click.argument("result", type=click.Path(path_type=Path))
@click.option(
    "--criterion",
    type=click.Choice(["mass", "peak", "significant"]),
    default="mass",
    show_default=True,
    help="What the field is: the smallest area with a share of the mass, the area above a share "
    "of the peak, or the patches significantly above rounding.",
)
@click.option("--share", type=float, help="Of mass or peak.  [default: 0.9545 or 0.0455]")
@click.option("--preset", type=click.Choice(PRESETS), help="A published measure instead.")
@click.option("--level", type=float, default=0.95, show_default=True, help="Of the intervals.")
@click.option("--recentre", is_flag=True, help="Average several images around their units.")
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
    from erf.measures import Field, average, calibrate
    from erf.measures import preset as compute_preset

    fields = [Field.of(each) for each in open_results(result)]
    field = calibrate(fields) if recentre else fields[0] if len(fields) == 1 else average(fields)
    if preset is not None:
        _print_preset(compute_preset(preset, field.cells.to_pixels(field.values)), field, as_json)
        return
    found = erf.measure(field, criterion=criterion, share=share, level=level)
    if as_json:
        click.echo(found.to_json())
    else:
        _print_measurement(found, len(fields))


def _print_measurement(found: erf.Measurement, images: int) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(found.sentence, highlight=False, soft_wrap=True)
    table = Table(box=box.SIMPLE)
    for name in ("size", "area, px", "interval", "side, px", "of image", "of theory"):
        table.add_column(name, justify="left" if name == "size" else "right")
    whole = found.image_size[0] * found.image_size[1]
    for size in found.sizes:
        low_high = found.interval(size.name)
        table.add_row(
            _label(size.name),
            f"{size.area:,.0f}",
            "" if low_high is None else f"{low_high[0]:,.0f} to {low_high[1]:,.0f}",
            f"{size.side:.1f}",
            f"{100 * size.area / whole:.1f} %",
            "" if not found.theory else f"{100 * size.area / found.theory.area:.1f} %",
        )
    console.print(table)
    for line in _notes(found, images):
        console.print(line, highlight=False, soft_wrap=True)


def _label(name: str) -> str:
    """``mass 95.45 %`` for ``mass:0.9545``."""
    kind, _, share = name.partition(":")
    return f"{kind} {100 * float(share):.6g} %" if share else kind


def _notes(found: erf.Measurement, images: int) -> list[str]:
    """Shape and circumstances, a line each."""
    row, col = found.center
    lines = [
        f"unit centre {row:.1f}, {col:.1f} px (from {found.center_from}); centroid "
        f"{found.offset[0]:+.1f}, {found.offset[1]:+.1f} px from it",
        f"anisotropy {found.anisotropy:.2f}, longest axis at {found.moments.angle:.0f} degrees",
    ]
    if found.gaussian is not None:
        fit = found.gaussian
        lines.append(f"Gaussian {fit.major:.1f} x {fit.minor:.1f} px, R² {fit.r_squared:.3f}")
    lines.append(
        f"patch {found.patch}, stride {found.stride}, {found.draws} draws or images; "
        f"floor {found.floor.value:.3g} ({found.floor.source})"
    )
    if found.stride < found.patch:
        lines.append(f"patches overlap: the field is blurred by the patch of {found.patch} px")
    if images > 1:
        lines.append(f"average over {images} images")
    return lines


def _print_preset(report: PresetReport, field: Field, as_json: bool) -> None:
    if as_json:
        values = {
            "preset": report.name,
            "image_size": report.image_size,
            "patch": field.patch,
            "values": report.values,
            "defects": report.defects,
        }
        click.echo(json.dumps(values, indent=2))
        return
    click.echo(f"{report.name} on {report.image_size[0]}x{report.image_size[1]} pixels")
    for name, value in report.values.items():
        click.echo(f"  {name:>18}  {'-' if value is None else f'{value:.6g}'}")
    for defect in report.defects:
        click.echo(f"note: {defect}")
    if field.patch > 1:
        click.echo(
            f"note: the authors take gradients of single pixels, this map has patches of "
            f"{field.patch} px"
        )
