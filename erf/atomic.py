"""The one way in which anything is written: beside its place, flushed to disk, renamed into it.

Whoever reads finds all of it or nothing, also after a kill, a full disk or a power cut.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from erf.errors import StoreError

STAGING = re.compile(r"\..+\.[a-z0-9_]{8}(\.\w+)?")
"""Names beside a place: a dot, the place's name, and eight letters of ``tempfile``."""


@contextmanager
def new_folder(path: str | Path, *, staging: str | Path | None = None) -> Iterator[Path]:
    """Yield a folder to fill, which becomes ``path`` when all went well and vanishes otherwise.

    Args:
        path: to be made.
        staging: a folder on the same disk to fill it in; beside its place by default.

    Raises:
        StoreError: when something is already there, as nothing is ever overwritten; when it cannot
            be written, as on a full disk.
    """
    path = Path(path)
    _refuse_taken(path)
    with _reported(path):
        filled = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=staging or path.parent))
        try:
            yield filled
            for place in (*filled.rglob("*"), filled):
                _flush(place)
            filled.chmod(0o755)
            _refuse_taken(path)
            filled.rename(path)
            _flush(path.parent)
        except BaseException:
            shutil.rmtree(filled, ignore_errors=True)
            raise


@contextmanager
def new_file(path: str | Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield a file name to write to, which becomes ``path`` when all went well.

    The name has the same ending, since writers choose a format by it.

    Args:
        path: to be written.
        replace: whether a file that is there is replaced, in one step.

    Raises:
        StoreError: when something is already there and is not to be replaced; when it cannot be
            written, as on a full disk.
    """
    path = Path(path)
    if not replace:
        _refuse_taken(path)
    start, end = f".{path.stem}.", path.suffix
    with _reported(path):
        handle, name = tempfile.mkstemp(prefix=start, suffix=end, dir=path.parent)
        os.close(handle)
        staging = Path(name)
        try:
            yield staging
            _flush(staging)
            staging.chmod(0o644)
            staging.replace(path)
            _flush(path.parent)
        except BaseException:
            staging.unlink(missing_ok=True)
            raise


def write_text(path: str | Path, text: str, *, replace: bool = False) -> Path:
    """Write a text file, all of it or nothing; arguments and errors as of `new_file`.

    What is no character, as a byte of a file's name may be, becomes a question mark.
    """
    with new_file(path, replace=replace) as staging:
        staging.write_text(text, encoding="utf-8", errors="replace")
    return Path(path)


def make_folder(path: Path) -> None:
    """Make a folder and what it lies in, so that they outlast a power cut.

    Raises:
        StoreError: when it cannot be made; then none of it is there.
    """
    new = [each for each in (path, *path.parents) if not each.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        for each in new:
            _flush(each.parent)
    except OSError as error:
        _unmake(new)
        raise StoreError(f"{path}: cannot be made: {error.strerror or error}") from error


def sweep(folder: Path) -> None:
    """Remove what writers that were killed have left in a folder.

    For whoever holds the folder alone: another writer's work cannot be told from what is left.
    """
    for place in folder.iterdir():
        if STAGING.fullmatch(place.name):
            shutil.rmtree(place) if place.is_dir() else place.unlink()


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    """Make what a place lies in, which goes again after an error; the disk's name the place."""
    new = [each for each in path.parents if not each.exists()]
    try:
        make_folder(path.parent)
        yield
    except BaseException as error:
        _unmake(new)
        if isinstance(error, OSError):
            raise StoreError(f"{path}: cannot be written: {error.strerror or error}") from error
        raise


def _unmake(folders: list[Path]) -> None:
    with suppress(OSError):  # somebody else has put something there meanwhile
        for each in folders:
            if each.exists():
                each.rmdir()


def _refuse_taken(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise StoreError(f"{path} already exists; choose another place or remove it first")


def _flush(place: Path) -> None:
    """Have the kernel put a file, or a folder's list of names, on disk."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
