"""Options whose choices and defaults stand in ``erf``, and are read there when they are needed."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Sequence
from typing import Any

import click


class Names(click.ParamType[str]):
    """A name that is registered somewhere in ``erf``, perhaps by an installed package.

    Args:
        module: that holds the registry, such as ``erf.measures``; it is imported late.
        registry: its name there.
        more: names beside those.
    """

    name = "NAME"

    def __init__(self, module: str, registry: str, *, more: Sequence[str] = ()) -> None:
        self.module, self.registry, self.more = module, registry, more

    def names(self) -> list[str]:
        """All that are known now."""
        return sorted([*getattr(importlib.import_module(self.module), self.registry), *self.more])

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """The names themselves, for the help."""
        return f"[{'|'.join(self.names())}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse what is not known; a share after a colon (``mass:0.5``) is not looked at."""
        head, names = str(value).partition(":")[0], self.names()
        if head not in names:
            near = difflib.get_close_matches(head, names)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            self.fail(f"{value!r} is none of {', '.join(names)}{hint}", param, ctx)
        return str(value)


class Setting(click.Option):
    """Sets the field of its name in `erf.Noise`, `erf.Occlusion` or `erf.Gradient`.

    Where it is not given, the field's own default holds, which the help reads there.
    """

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option's help with the defaults of all methods that have the field."""
        from dataclasses import fields

        from erf.settings import METHODS

        record = super().get_help_record(ctx)
        if record is None:
            return None
        defaults = {
            method: each.default
            for method, kind in METHODS.items()
            for each in fields(kind)
            if each.name == self.name and each.default is not None
        }
        if len(set(defaults.values())) == 1:
            text = str(next(iter(defaults.values())))
        else:
            text = ", ".join(f"{method} {value}" for method, value in defaults.items())
        return record[0], record[1] + (f"  [default: {text}]" if text else "")


class Draws(click.ParamType[int | str]):
    """A positive number, or ``auto``."""

    name = "N|auto"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """Read it."""
        if value == "auto" or isinstance(value, int):
            return value
        if not (isinstance(value, str) and value.isdigit() and int(value) > 0):
            self.fail(f"{value} is neither a number above 0 nor 'auto'", param, ctx)
        return int(value)


COUNT, FROM_0 = click.IntRange(min=1), click.IntRange(min=0)
SETTINGS: dict[str, tuple[click.ParamType[Any] | type[str], str]] = {
    "patch": (COUNT, "Pixels."),
    "stride": (COUNT, "Pixels; if not given, noise does not overlap and occlusion does."),
    "draws": (Draws(), "Per patch; auto: until precise."),
    "stimulus": (Names("erf.stimulus", "STIMULI"), "What disturbs a patch."),
    "engine": (Names("erf.settings", "ENGINES"), "What computes."),
    "batch_size": (COUNT, "Disturbances at a time."),
    "memory": (str, "Budget beside model and clean maps."),
    "reduce": (Names("erf.settings", "REDUCTIONS"), "Of a gradient: how colours add up."),
    "projections": (COUNT, "Of a gradient: how many stand for all channels."),
    "seed": (FROM_0, "Of all that is random."),
}
"""Fields of the settings that are options: type and help."""


def settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an option for every one of `SETTINGS`."""
    for name, (kind, text) in reversed(SETTINGS.items()):
        option = f"--{name.replace('_', '-')}"
        command = click.option(option, cls=Setting, type=kind, help=text)(command)
    return command
