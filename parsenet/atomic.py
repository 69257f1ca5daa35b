"""The one way in which a file is written here: beside its place, flushed, renamed into it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a place to write to, which becomes ``path`` if all goes well, replacing what is there.

    The place has the same name, in a folder of its own that is gone afterwards: writers choose a
    format by the name, and leave files of their own beside it.

    Raises:
        OSError: naming ``path``; what was there before stays.
    """
    folder = None
    try:
        make_folder(path.parent)
        folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        staging = folder / path.name
        yield staging
        flush(staging)
        staging.chmod(0o644)
        staging.replace(path)
        flush(path.parent)
    except OSError as error:  # a full disk does not say what was written
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def make_folder(path: Path) -> None:
    """Make a folder and what it lies in, so that they outlast a power cut."""
    new = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for each in new:
        flush(each.parent)


def flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
