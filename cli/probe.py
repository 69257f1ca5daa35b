"""``erf probe``: disturb patches of a photo, measure how much a unit changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.model import MODEL_HELP
from cli.picture import Size

if TYPE_CHECKING:
    import erf
    from cli.model import LoadedModel


@click.command(epilog=MODEL_HELP)
@click.argument("model", default="late")
@click.option(
    "--image",
    type=click.Path(path_type=Path),
    help="Photo to probe on.  [default: Matplotlib's grace_hopper.jpg]",
)
@click.option("--image-size", type=Size(), help="Scale and crop the photo.  [default: as it is]")
@click.option("--layer", default="fc7", show_default=True, help="Module path; see `erf layers`.")
@click.option("--unit", default="center", show_default=True, help="center, max, ROW,COL or all.")
@click.option("--channel", type=click.IntRange(min=0), help="One channel.  [default: L2 norm]")
@click.option("--patch", type=click.IntRange(min=1), default=16, show_default=True, help="Pixels.")
@click.option("--stride", type=click.IntRange(min=1), help="Pixels.  [default: half the patch]")
@click.option("--draws", type=click.IntRange(min=1), default=8, show_default=True)
@click.option(
    "--sigma",
    type=click.FloatRange(min=0, min_open=True),
    default=25.0,
    show_default=True,
    help="Strength of the noise, grey levels (0..255).",
)
@click.option("--stimulus", default="gaussian", show_default=True, help="What disturbs a patch.")
@click.option("--engine", type=click.Choice(["auto", "delta", "dense"]), default="auto")
@click.option("--batch-size", type=click.IntRange(min=1), help="Disturbances at a time.")
@click.option("--memory", default="4 GiB", show_default=True, help="Budget of the delta engine.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="New or empty folder for result and figure.  [default: erf-runs/MODEL-LAYER]",
)
def probe(
    model: str,
    image: Path | None,
    image_size: tuple[int, int] | None,
    layer: str,
    unit: str,
    channel: int | None,
    patch: int,
    stride: int | None,
    draws: int,
    sigma: float,
    stimulus: str,
    engine: str,
    batch_size: int | None,
    memory: str,
    seed: int,
    out: Path | None,
) -> None:
    """Measure the empirical receptive field of a unit of MODEL.

    Without arguments: the shipped ParseNet (late fusion), a real photo, the centre unit of fc7.
    """
    from cli.model import load_model
    from cli.output import claim_folder
    from cli.picture import load_picture

    picture = load_picture(image, image_size)
    loaded = load_model(model)
    folder = claim_folder(out, f"{loaded.name}-{layer}")

    import erf
    from erf.geometry import parse_unit

    result = erf.probe(
        loaded.model,
        loaded.input_space.tensor(picture),
        layer,
        unit=parse_unit(unit),
        channel=channel,
        patch=patch,
        stride=stride or max(1, patch // 2),
        draws=draws,
        sigma=loaded.input_space.sigma(sigma),
        stimulus=stimulus,
        engine=engine,
        batch_size=batch_size,
        memory=memory,
        seed=seed,
        picture=picture,
        name=loaded.name,
        progress=True,
    )
    erf.save(result, folder / "result.zarr")
    measurement = None if result.target.unit is None else erf.measure(result)
    _report(result, measurement, loaded, sigma)
    _draw(result, measurement, folder)


def _report(
    result: erf.ProbeResult, measurement: erf.Measurement | None, loaded: LoadedModel, sigma: float
) -> None:
    """Print the short table."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    plan = result.plan
    rows, cols = result.image.shape[-2:]
    table = Table(box=box.SIMPLE, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("model", f"{loaded.name} ({'random weights' if loaded.random else 'trained'})")
    table.add_row("layer, unit", str(result.target))
    table.add_row("image", f"{rows} x {cols} px")
    table.add_row("patch, stride", f"{plan.patch} px, {plan.stride} px")
    table.add_row("draws", f"{plan.draws} of {plan.stimulus}, sigma {sigma:g} of 255")
    table.add_row("engine", result.engine)
    table.add_row("theoretical", _theoretical(result))
    if measurement is not None:
        size = measurement.size()
        table.add_row("empirical", f"{size.side:.0f} px side, {size.area:,.0f} px ({size.meaning})")
        table.add_row("share", measurement.summary)
    console = Console()
    console.print(table)
    for note in result.provenance["engine"]["notes"]:
        console.print(f"note: {note}", highlight=False)


def _theoretical(result: erf.ProbeResult) -> str:
    theory = result.theory
    if theory is None:
        return "of each unit its own" if result.target.unit is None else "unknown"
    if theory.size is None:
        return "the whole image" if theory.status == "whole_image" else "unknown"
    status = "" if theory.status == "exact" else f" ({theory.status.replace('_', ' ')})"
    visible = theory.box.size
    return "{} x {} px{}, {} x {} inside the image".format(*theory.size, status, *visible)


def _draw(result: erf.ProbeResult, measurement: erf.Measurement | None, folder: Path) -> None:
    """Write the figure and say where everything is."""
    import figures

    click.echo(f"result  {folder / 'result.zarr'}")
    if measurement is not None:
        figures.save(figures.field_figure(result, measurement), folder / "field.png")
        click.echo(f"figure  {folder / 'field.png'}")
