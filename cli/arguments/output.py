"""Where a command may write: what is new or empty, or the same run again, which goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Set
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import click

RUN = "run.json"
"""In every run's folder: what was asked for, so that the same run can go on and no other."""


def claim_folder(out: Path | None, name: str, run: dict[str, Any] | None = None) -> Path:
    """Name the folder of a run, not made yet.

    Args:
        out: the user's choice, or None for the first free one of ``erf-runs/NAME``,
            ``erf-runs/NAME-2`` and so on.
        name: of the run.
        run: what was asked for; a folder that holds the very same run is taken up again.

    Raises:
        click.BadParameter: when the place holds something else; nothing is ever overwritten.
    """
    if out is None:
        safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)
        places = (Path("erf-runs", safe if n == 1 else f"{safe}-{n}") for n in count(1))
        return next(place for place in places if not place.exists())
    if out.exists() and not out.is_dir():
        raise click.BadParameter(f"--out {out}: exists and is a file; name a new folder")
    if out.is_dir() and any(out.iterdir()) and not (run and _holds(out, run)):
        raise click.BadParameter(
            f"--out {out}: exists and holds something other than this run; name a new folder"
        )
    return out


def claim_file(out: Path, suffixes: Set[str]) -> Path:
    """Check that a file may be written.

    Args:
        out: the user's choice.
        suffixes: endings that its name may have, such as ``.html``.

    Raises:
        click.BadParameter: when the place is taken or the name ends in something else.
    """
    if out.suffix.lower() not in suffixes:
        known = " or ".join(sorted(suffixes))
        raise click.BadParameter(f"--out {out}: the name must end in {known}")
    if out.exists():
        raise click.BadParameter(f"--out {out}: exists; name a new file")
    return out


@contextmanager
def opened_folder(folder: Path, run: dict[str, Any]) -> Iterator[None]:
    """Make a claimed folder and note in it what was asked for; an error leaves no empty run."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / RUN).exists():
        (folder / RUN).write_text(json.dumps(run, indent=2) + "\n")
    try:
        yield
    except Exception:
        if list(folder.iterdir()) == [folder / RUN]:
            shutil.rmtree(folder)
        raise


def _holds(folder: Path, run: dict[str, Any]) -> bool:
    try:
        return bool(json.loads((folder / RUN).read_text()) == json.loads(json.dumps(run)))
    except (OSError, ValueError):
        return False
