"""``erf theory``: theoretical receptive fields, of all layers or of one unit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

import click

from cli.arguments.model import MODEL_HELP
from cli.arguments.picture import Size

if TYPE_CHECKING:
    from torch import nn

    import erf
    from erf.theoretical import TheoryTable

WIDTH = 80


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
@click.argument("model", default="late")
@click.option("--image-size", type=Size(), default=(500, 500), show_default="500,500")
@click.option("--layer", help="This layer alone, in detail; see `erf layers`.")
@click.option("--unit", help="ROW,COL or center: the field of this unit of --layer.")
@click.option("--depth", type=click.IntRange(min=1), help="Only so many levels of modules.")
@click.option("--check", is_flag=True, help="Compare --layer with NaN probing (forward passes).")
@click.option(
    "--method",
    type=click.Choice(["graph", "nan"]),
    default="graph",
    show_default=True,
    help="nan: by NaN probing alone, for a model that cannot be exported; needs --layer.",
)
@click.option("--csv", "form", flag_value="csv", help="The table as CSV.")
@click.option("--json", "form", flag_value="json", help="The table as JSON.")
def theory(
    model: str,
    image_size: tuple[int, int],
    layer: str | None,
    unit: str | None,
    depth: int | None,
    check: bool,
    method: Literal["graph", "nan"],
    form: str | None,
) -> None:
    """Print the theoretical receptive fields of MODEL.

    Size, stride and padding in pixels, of fields not clipped at the border: unit u reads pixels
    u * stride - padding and `size` pixels from there on.
    """
    if layer is None and (unit is not None or check or method == "nan"):
        raise click.UsageError("--unit, --check and --method nan need --layer")
    if layer is not None and (form is not None or depth is not None):
        raise click.UsageError("--csv, --json and --depth are for the table of all layers")
    from cli.arguments.model import load_model
    from erf.theoretical import theoretical_field
    from erf.theoretical import theory as tabulate

    loaded = load_model(model)
    if layer is not None:
        field = theoretical_field(loaded.model, layer, image_size=image_size, method=method)
        _print_field(field, loaded.name, unit)
        if check:
            _check(loaded.model, field, unit)
        return
    table = tabulate(loaded.model, image_size=image_size)
    if form is not None:
        click.echo(table.to_csv() if form == "csv" else table.to_json(), nl=form == "json")
    else:
        click.echo(f"{loaded.name} at {_by(image_size)}, pixels (rows x columns where they differ)")
        click.echo("\n".join(render(table, depth)))


def render(table: TheoryTable, depth: int | None = None) -> Iterable[str]:
    """Lines of at most 80 columns."""
    rows = [row for row in table if depth is None or row.layer.count(".") < depth]
    heads = ("layer", "units", "size", "stride", "padding", "status")
    cells = [_cells(row) for row in rows]
    widths = [max(len(line[c]) for line in [heads, *cells]) for c in range(1, 6)]
    room = min(WIDTH - sum(widths) - 2 * 5, max(len(line[0]) for line in [heads, *cells]))
    for line in [heads, *cells]:
        name = line[0] if len(line[0]) <= room else "…" + line[0][1 - room :]
        numbers = [f"{cell:>{w}}" for cell, w in zip(line[1:5], widths[:4], strict=True)]
        yield "  ".join([f"{name:<{room}}", *numbers, line[5]]).rstrip()
    reasons = {(row.status, row.reasons) for row in rows if row.reasons}
    for status, names in sorted(reasons):
        yield from _wrapped(f"{status.replace('_', ' ')} by {', '.join(names)}")


def _cells(row: erf.TheoreticalField) -> tuple[str, ...]:
    pairs = (row.units, row.size, row.stride, row.padding)
    return (row.layer, *(_pair(pair) for pair in pairs), row.status.replace("_", " "))


def _pair(pair: tuple[int | None, int | None]) -> str:
    rows, cols = ("-" if value is None else str(value) for value in pair)
    return rows if rows == cols else f"{rows}x{cols}"


def _by(pair: tuple[int | None, int | None]) -> str:
    return " x ".join("-" if value is None else str(value) for value in pair)


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, WIDTH, subsequent_indent="  ")


def _position(field: erf.TheoreticalField, unit: str) -> tuple[int, int]:
    from erf.errors import UnitError
    from erf.geometry import locate, parse_unit

    name = parse_unit(unit)
    if name in ("max", "all"):
        raise UnitError(f"unit {unit!r} is for probes; a theoretical field has ROW,COL or center")
    position = locate(name, field.units, (0, 0), field.layer)
    assert position is not None
    return position


def _print_field(field: erf.TheoreticalField, model: str, unit: str | None) -> None:
    click.echo(f"{field.layer} of {model} at {_by(field.image_size)}")
    reasons = f" by {', '.join(field.reasons)}" if field.reasons else ""
    lines = {
        "units": _by(field.units),
        "size": f"{_by(field.size)} pixels",
        "stride": _by(field.stride),
        "padding": _by(field.padding),
        "status": field.status.replace("_", " ") + reasons,
    }
    if unit is not None:
        lines |= _unit_lines(field, _position(field, unit))
    for name, text in lines.items():
        first, *more = _wrapped(f"  {name:<11}{text}")
        click.echo("\n".join([first, *more]))


def _unit_lines(field: erf.TheoreticalField, position: tuple[int, int]) -> dict[str, str]:
    row, col = position
    box = field.box(position)
    lines = {
        "unit": f"{row},{col}",
        "rows": f"{box.top} to {box.bottom - 1} of the image ({box.height})",
        "columns": f"{box.left} to {box.right - 1} of the image ({box.width})",
    }
    if field.reads_known:
        wide = field.box(position, clipped=False)
        lines["unclipped"] = (
            f"rows {wide.top} to {wide.bottom - 1}, columns {wide.left} to {wide.right - 1}"
        )
        lines["read"] = f"{field.support(position).sum()} of the {box.area} pixels of that box"
    return lines


def _check(model: nn.Module, field: erf.TheoreticalField, unit: str | None) -> None:
    """Print whether NaN probing agrees; if not, fail."""
    from erf.theoretical import disagreement

    position = None if unit is None else _position(field, unit)
    which = f"{field.units[0] * field.units[1]} units" if position is None else "this unit"
    found = disagreement(model, field, position)
    if found is not None:
        raise click.ClickException(f"NaN probing disagrees with the rules: {found}")
    verdict = "lies within" if field.status == "upper_bound" else "equals"
    click.echo(f"  check      NaN probing of {which} {verdict} the boxes above")
