"""Naming a layer on the command line, and how it is read."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from cli.arguments.picture import Size


def complete(ctx: click.Context, _: click.Parameter, start: str) -> list[str]:
    """Names of layers that begin so; an option without its value leaves the model unparsed."""
    from erf.sources import complete_layers

    return complete_layers(next(iter(ctx.args), None) or ctx.params.get("model") or "late", start)


Command = Callable[..., Any]


def layer_options(*, several: bool = False) -> Callable[[Command], Command]:
    """Give a command the options of `erf.sources.LayerChoice`, which it gets as ``asked``.

    With ``several``, --layer may be repeated, and the command gets all of them as ``layers``.
    """

    def add(command: Command) -> Command:
        @wraps(command)
        def chosen(*arguments: Any, layers: tuple[str, ...], **options: Any) -> Any:
            from erf.sources import LayerChoice

            known = {name: options.pop(name) for name in ("grid", "prefix", "reading")}
            asked = LayerChoice(layers[0] if len(layers) == 1 else None, **known)
            more = {"layers": layers} if several else {}
            return command(*arguments, asked=asked, **more, **options)

        for option in reversed(OPTIONS if several else (ONE, *OPTIONS[1:])):
            chosen = option(chosen)
        return chosen

    return add


def _as_tuple(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    return () if value is None else (value,)


ONE = click.option(
    *("--layer", "layers"), shell_complete=complete, callback=_as_tuple, help="Of `erf layers`."
)
OPTIONS = (
    click.option(
        *("--layer", "layers"),
        multiple=True,
        shell_complete=complete,
        help="See `erf layers`.  [default: fc7 of our networks]",
    ),
    click.option("--grid", type=Size(), help="Of the layer's tokens."),
    click.option("--prefix", type=click.IntRange(min=0), help="Tokens before the grid."),
    click.option("--reading", metavar="FILE.py:FUNCTION", help="Makes a map of the layer."),
)
