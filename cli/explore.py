"""``erf explore``: a live page of one model or two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.arguments.model import MODEL_HELP, complete_models, model_options
from cli.arguments.picture import Size, usual_photo

if TYPE_CHECKING:
    from erf.sources import Choice


@click.command(epilog=MODEL_HELP)
@click.argument("models", nargs=-1, shell_complete=complete_models, metavar="[MODEL] [MODEL]")
@click.option(
    "--image",
    type=click.Path(path_type=Path),
    help="Photo.  [default: Matplotlib's grace_hopper.jpg]",
)
@click.option("--image-size", type=Size(), help="[default: as it is, 640 pixels at the most]")
@click.option("--layer", help="To begin with.  [default: fc7, or the last stage]")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0: any that is free.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("erf-runs/explored"),
    help="Folder for what is kept.",
)
@model_options
def explore(
    models: tuple[str, ...],
    image: Path | None,
    image_size: tuple[int, int] | None,
    layer: str | None,
    port: int,
    no_browser: bool,
    out: Path,
    choice: Choice,
) -> None:
    """Click a unit of MODEL and see its field grow, on a page of this machine alone.

    Two models stand side by side. Ctrl-C ends it.
    """
    if len(models) > 2:
        raise click.UsageError(f"{len(models)} models: at most two stand side by side")
    from figures.explorer import ByName, explore

    names = models or ("late",)
    order = ByName(choice, names, image or usual_photo(), image_size, out, layer)
    with explore(order, port=port) as explorer:
        for note in explorer.notes:
            click.echo(f"note: {note}", err=True)
        click.echo(f"page  {explorer.address}\nCtrl-C ends it")
        if not no_browser:
            explorer.open_browser()
        try:
            explorer.wait()
        except KeyboardInterrupt:
            click.echo("ended")
