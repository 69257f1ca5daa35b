"""``erf tiles``: how much overlap tiled inference needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
    help="Largest change of a unit, in the layer's spread.",
)
@click.option(
    "--figure",
    type=click.Path(path_type=Path, dir_okay=False),
    help="New .png, .pdf or .svg file: margin against error and cost.",
)
@model_options
def tiles(
    model: str,
    image_size: tuple[int, int],
    tile: tuple[int, int],
    layer: str | None,
    photos: tuple[Path, ...],
    tolerance: float,
    figure: Path | None,
    choice: Choice,
) -> None:
    """Say which tiles give what MODEL gives for the whole image.

    By theory: the margins to be dropped of every tile and where tiles may start, so that what is
    kept is what the whole image gives, up to rounding. With --image it is measured, too, how much
    smaller margins change.
    """
    if figure is not None:
        if not photos:
            raise click.UsageError("--figure draws what is measured: give --image")
        claim_file(figure, {".png", ".pdf", ".svg"})
    from erf import TilingError, tiling
    from erf.tiles import describe_tiling

    loaded = load(choice, model, image_size)
    channels = loaded.input_space.channels
    try:
        plan = tiling(loaded.model, layer, image_size=image_size, tile=tile, channels=channels)
        click.echo("\n".join(describe_tiling(plan, loaded.name)))
    except TilingError as error:
        if not photos:
            raise
        from erf import bare_tiling

        click.echo(f"{loaded.name}: {error}")
        plan = bare_tiling(loaded.model, layer, image_size=image_size, tile=tile, channels=channels)
    if photos:
        from erf import margin_curves, read_photo
        from erf.photo import find_photos
        from erf.tiles import describe_margins

        images = [
            loaded.input_space.tensor(read_photo(path, image_size).levels)
            for path in find_photos(photos)
        ]
        curves = margin_curves(loaded.model, images, plan, progress=True)
        click.echo("\n".join(describe_margins(curves, tolerance)))
        if figure is not None:
            from figures import margin_figure, save

            click.echo(f"figure  {save(margin_figure(curves, tolerance), figure)}")
