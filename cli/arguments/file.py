"""Where a command may write one file: a new one, of a kind that it can write."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import click


def claim_file(out: Path, suffixes: Collection[str], option: str = "--out") -> Path:
    """Refuse a file that exists or whose name says another kind; nothing is made yet.

    Raises:
        click.BadParameter: naming the file; nothing is ever overwritten.
    """
    if out.suffix.lower() not in suffixes:
        raise click.BadParameter(
            f"{option} {out}: must end in one of {', '.join(sorted(suffixes))}"
        )
    if out.exists() or out.is_symlink():
        raise click.BadParameter(f"{option} {out}: exists already; name a new file")
    return out
