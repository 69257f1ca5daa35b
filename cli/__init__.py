"""The ``erf`` command: parses, calls, prints. One command a file; heavy imports inside it."""

from __future__ import annotations

import importlib
from typing import Any

import click

from cli.signals import stopped_like_ctrl_c

COMMANDS = (
    "probe",
    "study",
    "models",
    "layers",
    "theory",
    "tiles",
    "measure",
    "compare",
    "figure",
    "report",
    "explore",
    "train",
    "evaluate",
    "predict",
    "convert",
    "context",
)


LONGEST = 1000
"""Characters of a message."""


class ErfGroup(click.Group):
    """Finds a command in the module of its name; turns our errors into one line, exit code 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of a first session."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, imported only now."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(f"cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run as a program."""
        with stopped_like_ctrl_c():
            return super().main(*args, **extra)

    def invoke(self, ctx: click.Context) -> object:
        """Run; what the user got wrong becomes one line."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            raise Failure(error.format_message()) from error
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise  # a pipe that is closed is silence to click
        except Exception as error:
            if is_out_of_memory(error):
                raise Failure(
                    f"not enough memory: {str(error).strip() or 'none is left'}"
                ) from error
            if not is_expected(error):
                raise
            raise Failure(str(error)) from error


class Failure(click.ClickException):
    """One line on standard error, not too long a one, exit code 2."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        words = " ".join(message.split())
        if len(words) > LONGEST:  # what a file or an option held is no message
            words = f"{words[: LONGEST // 2]} ... {words[-LONGEST // 2 :]}"
        super().__init__(words)


def is_out_of_memory(error: Exception) -> bool:
    """Whether there was no memory; torch says so in an error of the general kind."""
    words = ("can't allocate memory", "out of memory", "Unable to allocate")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(word in str(error) for word in words)
    )


def is_expected(error: Exception) -> bool:
    """Whether an error is about the user's input or disk rather than a mistake of ours."""
    from erf.errors import ErfError
    from parsenet.errors import ParseNetError

    return isinstance(error, ErfError | ParseNetError | OSError)


@click.group(
    cls=ErfGroup, context_settings={"help_option_names": ["-h", "--help"], "show_default": True}
)
@click.version_option(package_name="erf-probe", prog_name="erf")
def main() -> None:
    """What does this network really look at?

    Measures the empirical receptive field of a unit of a network and sets it beside the
    theoretical one. `erf probe` alone shows it on a small trained ParseNet and a photo.
    """
