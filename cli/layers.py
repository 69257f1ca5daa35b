"""``erf layers``: which layers can be named, with shapes."""

from __future__ import annotations

import click

from cli.arguments.model import MODEL_HELP
from cli.arguments.picture import Size


@click.command(epilog=MODEL_HELP)
@click.argument("model", default="late")
@click.option("--image-size", type=Size(), default=(256, 256), show_default="256,256")
def layers(model: str, image_size: tuple[int, int]) -> None:
    """List the layers of MODEL that can be probed."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    import erf
    from cli.arguments.model import load_model

    loaded = load_model(model)
    rows, cols = image_size
    table = Table("layer", "kind", box=box.SIMPLE_HEAD, title=f"{loaded.name} at {rows}x{cols}")
    table.add_column("channels", justify="right")
    table.add_column("rows x cols", justify="right")
    for layer in erf.layers(loaded.model, image_size):
        table.add_row(
            layer.name, layer.kind, str(layer.channels), f"{layer.size[0]} x {layer.size[1]}"
        )
    Console().print(table)
