"""``erf layers``: which layers can be named, with shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.arguments.model import MODEL_HELP, load, model_argument, model_options
from cli.arguments.picture import Size

if TYPE_CHECKING:
    from erf.sources import Choice


@click.command(epilog=MODEL_HELP)
@model_argument
@click.option("--image-size", type=Size(), help="[default: 256,256, or the model's own]")
@click.option("--stages", is_flag=True, help="Only those that make sense to ask about first.")
@click.option("--all", "every", is_flag=True, help="Operations that no module makes, too.")
@model_options
def layers(
    model: str, image_size: tuple[int, int] | None, stages: bool, every: bool, choice: Choice
) -> None:
    """List the layers of MODEL that can be probed."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from erf.model import stages as first_ones

    loaded = load(choice, model, image_size)
    rows, cols = image_size or loaded.size or (256, 256)
    found = loaded.layers((rows, cols), every=every)
    table = Table("layer", "kind", box=box.SIMPLE_HEAD, title=f"{loaded.name} at {rows}x{cols}")
    table.add_column("channels", justify="right")
    table.add_column("rows x cols", justify="right")
    for layer in first_ones(found) if stages else found:
        table.add_row(
            layer.name, layer.kind, str(layer.channels), f"{layer.size[0]} x {layer.size[1]}"
        )
    Console(markup=False).print(table)
