"""``erf layers``: which layers can be named, with shapes."""

from __future__ import annotations

import click

from cli.arguments.model import MODEL_HELP, ModelChoice, ModelName, model_options
from cli.arguments.picture import Size


@click.command(epilog=MODEL_HELP)
@click.argument("model", default="late", type=ModelName())
@click.option("--image-size", type=Size(), help="[default: 256,256, or the model's own]")
@click.option("--stages", is_flag=True, help="Only those that make sense to ask about first.")
@model_options
def layers(
    model: str, image_size: tuple[int, int] | None, stages: bool, choice: ModelChoice
) -> None:
    """List the layers of MODEL that can be probed."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    import erf
    from erf.model import stages as first_ones

    loaded = choice.load(model, image_size)
    rows, cols = image_size or loaded.size or (256, 256)
    found = erf.layers(loaded.model, (rows, cols), loaded.input_space.channels)
    table = Table("layer", "kind", box=box.SIMPLE_HEAD, title=f"{loaded.name} at {rows}x{cols}")
    table.add_column("channels", justify="right")
    table.add_column("rows x cols", justify="right")
    for layer in first_ones(found) if stages else found:
        table.add_row(
            layer.name, layer.kind, str(layer.channels), f"{layer.size[0]} x {layer.size[1]}"
        )
    Console(markup=False).print(table)
