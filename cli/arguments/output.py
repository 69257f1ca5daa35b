"""Where a command may write: what is new or empty, or the same run again, which goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
    if out.is_dir() and any(out.iterdir()):
        _refuse_other(out, run)
    return out


@contextmanager
def opened_folder(folder: Path, run: dict[str, Any]) -> Iterator[None]:
    """Make a claimed folder and note in it what was asked for.

    After an error in which nothing was found, neither the folder nor those above it that were made
    with it are left.
    """
    from erf.atomic import write_text

    new = not (folder / RUN).exists()
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    if new:
        write_text(folder / RUN, json.dumps(run, indent=2) + "\n")
    try:
        yield
    except Exception:
        if new and list(folder.iterdir()) == [folder / RUN]:
            (folder / RUN).unlink()
            with suppress(OSError):  # somebody else has put something there meanwhile
                for each in made:
                    each.rmdir()
        raise


def _refuse_other(out: Path, run: dict[str, Any] | None) -> None:
    held: Any = None
    with suppress(OSError, ValueError):
        held = json.loads((out / RUN).read_text(encoding="utf-8"))
    if run is not None and held == json.loads(json.dumps(run)):
        return
    if run is not None and isinstance(held, dict) and held.get("version") != run["version"]:
        raise click.BadParameter(
            f"--out {out}: holds a run of version {held.get('version', 1)} of this command, which "
            f"writes {run['version']}: its results can be read, but not gone on with; "
            "name a new folder"
        )
    raise click.BadParameter(
        f"--out {out}: exists and holds something other than this run; name a new folder"
    )
