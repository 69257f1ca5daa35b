"""Where a command may write: new or empty folders only."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import click


def claim_folder(out: Path | None, name: str) -> Path:
    """Name the folder of a run, not made yet.

    Args:
        out: the user's choice, or None for the first free one of ``erf-runs/NAME``,
            ``erf-runs/NAME-2`` and so on.
        name: of the run.

    Raises:
        click.BadParameter: when the place holds something; nothing is ever overwritten.
    """
    if out is None:
        safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)
        places = (Path("erf-runs", safe if n == 1 else f"{safe}-{n}") for n in count(1))
        out = next(place for place in places if not place.exists())
    elif out.is_dir() and any(out.iterdir()):
        raise click.BadParameter(f"--out {out}: exists and holds something; name a new folder")
    elif out.exists() and not out.is_dir():
        raise click.BadParameter(f"--out {out}: exists and is a file; name a new folder")
    return out
