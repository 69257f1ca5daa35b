"""``erf theory``: theoretical receptive fields, of all layers or of one unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from cli.arguments.layer import layer_options
from cli.arguments.model import MODEL_HELP, load, model_argument, model_options
from cli.arguments.picture import Size

if TYPE_CHECKING:
    import erf
    from erf.sources import Choice, LayerChoice


class SizeInTwo(click.Command):
    """Reads ``--image-size 500 375`` as ``--image-size 500,375``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Join the two numbers before click looks at them."""
        if "--image-size" in args:
            at = args.index("--image-size") + 1
            pair = args[at : at + 2]
            if len(pair) == 2 and all(number.isdigit() for number in pair):
                args = [*args[:at], ",".join(pair), *args[at + 2 :]]
        return super().parse_args(ctx, args)


@click.command(cls=SizeInTwo, epilog=MODEL_HELP)
@model_argument
@click.option("--image-size", type=Size(), help="[default: 500,500, or the model's own]")
@layer_options()
@click.option("--unit", help="ROW,COL or center: the field of this unit of --layer.")
@click.option("--depth", type=click.IntRange(min=1), help="Only so many levels of modules.")
@click.option("--check", is_flag=True, help="Compare --layer with NaN probing (forward passes).")
@click.option(
    "--method",
    type=click.Choice(["graph", "nan"]),
    default="graph",
    help="nan: by NaN probing alone, for a model that cannot be exported; needs --layer.",
)
@click.option("--csv", "form", flag_value="csv", help="The table as CSV.")
@click.option("--json", "form", flag_value="json", help="The table as JSON.")
@model_options
def theory(
    model: str,
    image_size: tuple[int, int] | None,
    unit: str | None,
    depth: int | None,
    check: bool,
    method: Literal["graph", "nan"],
    form: str | None,
    choice: Choice,
    asked: LayerChoice,
) -> None:
    """Print the theoretical receptive fields of MODEL.

    Size, stride and padding in pixels, of fields not clipped at the border: unit u reads pixels
    u * stride - padding and `size` pixels from there on.
    """
    if asked.layer is None and (unit is not None or check or method == "nan"):
        raise click.UsageError("--unit, --check and --method nan need --layer")
    if asked.layer is None and asked.of_one:
        raise click.UsageError("--grid, --prefix and --reading need --layer")
    if asked.layer is not None and (form is not None or depth is not None):
        raise click.UsageError("--csv, --json and --depth are for the table of all layers")
    loaded = load(choice, model, image_size)
    size = image_size or loaded.size or (500, 500)
    if asked.layer is not None:
        with asked.read(loaded) as (_, layer):
            field = loaded.field(layer, size, method=method)
            _print_field(field, loaded.name, unit)
            if check:
                _check(loaded, field, unit)
        return
    table = loaded.theory(size)
    if form is not None:
        click.echo(table.to_csv() if form == "csv" else table.to_json(), nl=form == "json")
    else:
        from erf.theoretical import table_lines

        rows, cols = size
        click.echo(f"{loaded.name} at {rows} x {cols}, pixels (rows x columns where they differ)")
        click.echo("\n".join(table_lines(table, depth)))


def _print_field(field: erf.TheoreticalField, model: str, unit: str | None) -> None:
    from erf.theoretical import describe_field, find_position

    position = None if unit is None else find_position(field, unit)
    click.echo("\n".join(describe_field(field, model, position)))


def _check(loaded: erf.LoadedModel, field: erf.TheoreticalField, unit: str | None) -> None:
    """Print whether NaN probing agrees; if not, fail."""
    from erf.theoretical import disagreement, find_position

    position = None if unit is None else find_position(field, unit)
    which = f"{field.units[0] * field.units[1]} units" if position is None else "this unit"
    channels = loaded.input_space.channels
    found = disagreement(loaded.model, field, position, channels=channels, inputs=loaded.inputs)
    if found is not None:
        raise click.ClickException(f"NaN probing disagrees with the rules: {found}")
    verdict = "lies within" if field.status == "upper_bound" else "equals"
    click.echo(f"  check      NaN probing of {which} {verdict} the boxes above")
