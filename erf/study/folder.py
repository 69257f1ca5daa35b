"""A run's folder: what was asked for is noted in it, so that the same run goes on and no other."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from erf.atomic import STAGING, make_folder, sweep, write_text
from erf.errors import StoreError
from erf.results.group import DOCUMENT, attributes_of, write_group
from erf.study.tree import find_places, read_root

RUN = "run.json"
LOCK, HOLDER = ".lock", ".holder"
MINE = frozenset({RUN, LOCK, HOLDER})
OURS = "erf-probe run"
"""What the group of a run says it is: xarray opens all of its results as one tree."""
VERSION = 3
"""Of run.json. Version 1, without this number, held the keywords of a function of then; version 2
did not record how photos were read."""


def free_place(name: str, parent: str | Path = "erf-runs") -> Path:
    """The first free one of ``parent/name``, ``parent/name-2`` and so on."""
    safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)
    places = (Path(parent, safe if n == 1 else f"{safe}-{n}") for n in count(1))
    return next(place for place in places if not place.exists())


def new_place(out: Path | None, name: str) -> Path:
    """A folder that is new or empty: the one that is asked for, or a free one of this name.

    Raises:
        StoreError: when something is there; nothing is ever overwritten.
    """
    if out is None:
        return free_place(name)
    if out.exists() and (not out.is_dir() or _list(out)):
        raise StoreError(f"{out}: exists and holds something; name a new folder")
    return out


@dataclass(frozen=True)
class RunFolder:
    """A folder for the results of one run.

    Attributes:
        path: of the folder, made when there is something to put in it.
        request: what is asked for, JSON-compatible: two equal ones give equal results.
    """

    path: Path
    request: Mapping[str, Any]

    def check(self) -> None:
        """Refuse a place that holds something else; nothing is ever overwritten.

        Raises:
            StoreError: naming the place, and what differs in a run that is there.
        """
        if self.path.exists() and not self.path.is_dir():
            raise StoreError(f"{self.path}: exists and is a file; name a new folder")
        if not self.path.is_dir():
            return
        held: Any = None
        with suppress(OSError, ValueError):
            held = json.loads((self.path / RUN).read_text(encoding="utf-8"))
        nothing = _holds_nothing(self.path)
        if nothing and (self._is_empty() or (isinstance(held, dict) and "version" in held)):
            return
        asked = json.loads(json.dumps({"version": VERSION, **self.request}))
        if held == asked:
            return
        if not isinstance(held, dict):
            raise StoreError(
                f"{self.path}: exists and holds something other than a run; name a new folder"
            )
        if held.get("version") != VERSION:
            raise StoreError(
                f"{self.path}: holds a run of version {held.get('version', 1)}, and this software "
                f"writes {VERSION}: its results can be read, but not gone on with; name a new "
                "folder"
            )
        other = [name for name in asked.keys() | held.keys() if asked.get(name) != held.get(name)]
        raise StoreError(
            f"{self.path}: holds another run, which differs in {', '.join(sorted(other))}; name a "
            "new folder"
        )

    def _is_empty(self) -> bool:
        """Whether no note is there, or one of no bytes, as a full disk leaves."""
        note = self.path / RUN
        return not note.exists() or note.stat().st_size == 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder, note what is asked for, and keep other processes out meanwhile.

        After an error in which nothing was found, neither the folder nor those above it that were
        made with it are left.

        Raises:
            StoreError: when another process is at work there; a dead one's place is taken over.
        """
        made = [each for each in (self.path, *self.path.parents) if not each.exists()]
        make_folder(self.path)
        try:
            with _locked(self.path):
                _sign(self.path)
                self.check()
                sweep(self.path)
                text = json.dumps({"version": VERSION, **self.request}, indent=2) + "\n"
                if not _holds(self.path / RUN, text):
                    write_text(self.path / RUN, text, replace=True)
                if attributes_of(self.path) is None:
                    write_group(self.path, {"format": OURS}, replace=True)
                try:
                    yield
                finally:
                    (self.path / HOLDER).unlink(missing_ok=True)
        except Exception:
            _clear(self.path, made)
            raise


@contextmanager
def holding(path: Path) -> Iterator[None]:
    """Hold a folder for a study, which is made; other processes are kept out meanwhile.

    After an error in which nothing was found, neither the folder nor those above it that were made
    with it are left.

    Raises:
        StoreError: when it holds something other than a study, or another process is at work there.
    """
    if path.exists() and not path.is_dir():
        raise StoreError(f"{path}: exists and is a file; name a new folder")
    if path.is_dir() and not (read_root(path) or _holds_nothing(path)):
        raise StoreError(
            f"{path}: exists and holds something other than a study; name a new folder"
        )
    made = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(parents=True, exist_ok=True)
    try:
        with _locked(path):
            _sign(path)
            try:
                yield
            finally:
                (path / HOLDER).unlink(missing_ok=True)
    except Exception:
        if not find_places(path):
            _remove(path, made)
        raise


def _sign(path: Path) -> None:
    """Say who holds a folder."""
    text = f"process {os.getpid()} on {socket.gethostname()}\n"
    write_text(path / HOLDER, text, replace=True)


def _remove(path: Path, made: list[Path]) -> None:
    """Remove what a study that found nothing has made."""
    if not made:
        return
    shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):
        for each in made[1:]:
            each.rmdir()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder against other processes; the system lets it go when this one dies.

    Raises:
        StoreError: when another process holds it, saying which.
    """
    with ExitStack() as held:
        try:
            if sys.platform == "win32":
                held.enter_context(FileLock(folder / LOCK, blocking=False))
            else:
                held.enter_context(_flocked(folder))
        except (Timeout, BlockingIOError):
            holder = "another process"
            with suppress(OSError):
                holder = (folder / HOLDER).read_text(encoding="utf-8").strip() or holder
            raise StoreError(f"{folder}: {holder} is at work there; wait for it") from None
        yield


@contextmanager
def _flocked(folder: Path) -> Iterator[None]:
    """Lock the folder itself, so that no file is left of it; where a folder can be locked."""
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _list(path: Path) -> list[Path]:
    try:
        return list(path.iterdir())
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error}") from error


def _holds_nothing(folder: Path) -> bool:
    """Whether nothing is in a folder but notes of ours, and what killed writers of ours left."""
    group = attributes_of(folder) or {}
    mine = MINE | {DOCUMENT} if group.get("format") == OURS else MINE
    return all(
        each.name in mine or STAGING.fullmatch(each.name) is not None for each in _list(folder)
    )


def _holds(path: Path, text: str) -> bool:
    with suppress(OSError, ValueError):
        return path.read_text(encoding="utf-8") == text
    return False


def _clear(path: Path, made: list[Path]) -> None:
    """Remove a folder that holds nothing but our notes, and what was made for it."""
    if not made or not _holds_nothing(path):
        return
    sweep(path)
    for name in (*MINE, DOCUMENT):
        (path / name).unlink(missing_ok=True)
    with suppress(OSError):  # somebody else has put something there meanwhile
        for each in made:
            each.rmdir()
