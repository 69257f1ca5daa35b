"""``erf models``: which models can be named."""

from __future__ import annotations

import click

from cli.arguments.model import MODEL_HELP


@click.command(epilog=MODEL_HELP)
@click.argument("pattern", default="")
def models(pattern: str) -> None:
    """List the models that can be named, those with PATTERN in their name.

    Libraries that are not installed, and models on hubs, are not listed.
    """
    from erf import model_names

    found = model_names(pattern)
    if not found:
        raise click.UsageError(f"no model that is known has {pattern!r} in its name")
    click.echo("\n".join(found))
