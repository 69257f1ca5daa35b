"""``erf tiles``: how much overlap tiled inference needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from cli.arguments.file import claim_file
from cli.arguments.model import MODEL_HELP, load, model_argument, model_options
from cli.arguments.number import FiniteRange
from cli.arguments.picture import Size

if TYPE_CHECKING:
    from erf.sources import Choice


@click.command(epilog=MODEL_HELP)
@model_argument
@click.option("--image-size", type=Size(), required=True, help="Of the whole image.")
@click.option("--tile", type=Size(), required=True, help="Of a tile, pixels.")
@click.option("--layer", help="Whose output is wanted.  [default: the model's own]")
@click.option(
    "--image",
    "photos",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Photo or folder: measure how much overlap is enough in fact.",
)
@click.option(
    "--tolerance",
    type=FiniteRange(min=0, min_open=True),
    default=0.01,
    help="What may be left, see --of.",
)
@click.option(
    "--of",
    "criterion",
    type=click.Choice(["change", "flips"]),
    default="change",
    help="The largest change of a unit, in the layer's spread; or the share of labels that flip.",
)
@click.option(
    "--figure",
    type=click.Path(path_type=Path, dir_okay=False),
    help="New .png, .pdf or .svg file: margin against error and cost.",
)
@click.option("--json", "as_json", is_flag=True, help="All numbers, as JSON.")
@model_options
def tiles(
    model: str,
    image_size: tuple[int, int],
    tile: tuple[int, int],
    layer: str | None,
    photos: tuple[Path, ...],
    tolerance: float,
    criterion: Literal["change", "flips"],
    figure: Path | None,
    as_json: bool,
    choice: Choice,
) -> None:
    """Say which tiles give what MODEL gives for the whole image.

    By theory: the margins to be dropped of every tile and where tiles may start, so that what is
    kept is what the whole image gives, up to rounding. With --image it is measured, too, how much
    smaller margins change.
    """
    if choice.inputs:
        raise click.UsageError("--input: tiles are cut of an image alone")
    if figure is not None:
        if not photos:
            raise click.UsageError("--figure draws what is measured: give --image")
        claim_file(figure, {".png", ".pdf", ".svg"}, "--figure")
    import erf
    from erf import tiles
    from erf.bands import read_image
    from erf.photo import find_photos

    loaded = load(choice, model, image_size)
    channels = loaded.input_space.channels
    read = [read_image(path, image_size, channels) for path in find_photos(photos)]
    planned = tiles.tiling_or_bare if photos else erf.tiling
    plan = planned(loaded.model, layer, image_size=image_size, tile=tile, channels=channels)
    lines = tiles.describe_tiling(plan, loaded.name)
    curves: erf.MarginCurves | None = None
    enough: erf.EnoughMargin | None = None
    if photos:
        images = [loaded.image(photo) for photo in read]
        curves = erf.margin_curves(loaded.model, images, plan, progress=True)
        enough = erf.enough_margin(
            loaded.model, images, curves, tolerance, criterion=criterion, progress=True
        )
        lines += tiles.describe_photos(read, image_size) + tiles.describe_margins(curves, enough)
    click.echo(
        tiles.tiling_json(plan, loaded.name, curves, enough) if as_json else "\n".join(lines)
    )
    if figure is not None and curves is not None and enough is not None:
        from figures import margin_figure, save

        save(margin_figure(curves, enough), figure)
        click.echo(f"figure  {figure}", err=as_json)
