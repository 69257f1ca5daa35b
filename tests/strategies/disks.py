"""Disks that fail: full ones, ones that cannot be written to, and ones that lose power."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

Inode = int
Tree = dict[str, bytes | None]
"""Content of every file under a folder by its path; None for a folder."""


def tree(root: Path) -> Tree:
    """Everything under a folder."""
    return {
        str(place.relative_to(root)): None if place.is_dir() else place.read_bytes()
        for place in sorted(root.rglob("*"))
    }


@contextmanager
def full_after(size: int) -> Iterator[None]:
    """A disk on which no file grows beyond so many bytes, whatever writes it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def failing(name: str, code: int, *, at: int = 0) -> Iterator[None]:
    """A call of ``os`` that fails the ``at``-th time, such as an ``fsync`` on a full disk."""
    real, calls = getattr(os, name), 0

    def fail(*args: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        if calls == at + 1:
            raise OSError(code, os.strerror(code))
        return real(*args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, name, fail)
        yield


@contextmanager
def read_only() -> Iterator[Path]:
    """A folder that this process may read and not write; root becomes nobody meanwhile."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # pytest's own are closed to nobody
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)
        shutil.rmtree(folder)


@dataclass
class PowerCut:
    """Watches a folder being written to, and tells what a power cut at any moment may leave of it.

    What is certain is what was synced: a file's bytes by an ``fsync`` of it, names by one of their
    folder. What was not may be there or not: three worlds are told of every moment, in which

    - nothing is there that was not synced,
    - all names are, and of each file what was synced,
    - all names are, and files have their length, filled with zeros where they were not synced.
    """

    root: Path
    _worlds: dict[object, Tree] = field(default_factory=dict)
    _bytes: dict[Inode, bytes] = field(default_factory=dict)
    _names: dict[Inode, dict[str, tuple[Inode, bool]]] = field(default_factory=dict)
    _alive: set[Inode] = field(default_factory=set)
    _retired: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @contextmanager
    def watched(self) -> Iterator[PowerCut]:
        """Look on at every call that changes names or syncs."""
        for place in self._places():
            self._sync(place.stat().st_ino)
        with pytest.MonkeyPatch.context() as patch:
            for name in ("fsync", "rename", "replace", "unlink", "rmdir", "mkdir"):
                patch.setattr(os, name, self._watching(name, getattr(os, name)))
            yield self
        self._look()

    def now(self) -> list[Tree]:
        """What a power cut would leave at this moment."""
        self._retire()
        return [self._synced(), self._named(b""), self._named(b"\0")]

    @property
    def worlds(self) -> list[Tree]:
        """What one at any moment would have left."""
        return list(self._worlds.values())

    def _watching(self, name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **options: object) -> object:
            with self._lock:  # zarr writes in several threads
                self._look()
                done = real(*args, **options)
                if name == "fsync":
                    self._sync(os.fstat(args[0]).st_ino)  # type: ignore[arg-type]
                return done

        return call

    def _places(self) -> list[Path]:
        return [self.root, *sorted(self.root.rglob("*"))]

    def _look(self) -> None:
        for world in self.now():
            self._worlds.setdefault(tuple(world.items()), world)

    def _retire(self) -> None:
        """Tell a new file from one that is gone and whose number it was given."""
        alive = {place.stat().st_ino for place in self._places()}
        for inode in (alive - self._alive) & (self._bytes.keys() | self._names.keys()):
            self._retired -= 1
            for known in (self._bytes, self._names):
                if inode in known:
                    known[self._retired] = known.pop(inode)  # type: ignore[index]
            for names in self._names.values():
                for name, (inside, folder) in names.items():
                    if inside == inode:
                        names[name] = self._retired, folder
        self._alive = alive

    def _sync(self, inode: Inode) -> None:
        for place in self._places():
            if place.stat().st_ino != inode:
                continue
            self._alive.add(inode)
            if place.is_dir():
                inside = {each.name: each for each in place.iterdir()}
                self._names[inode] = {
                    name: (each.stat().st_ino, each.is_dir()) for name, each in inside.items()
                }
            else:
                self._bytes[inode] = place.read_bytes()

    def _synced(self) -> Tree:
        found: Tree = {}

        def look(inode: Inode, prefix: str) -> None:
            for name, (inside, folder) in sorted(self._names.get(inode, {}).items()):
                found[prefix + name] = None if folder else self._bytes.get(inside, b"")
                if folder:
                    look(inside, f"{prefix}{name}/")

        look(self.root.stat().st_ino, "")
        return found

    def _named(self, filling: bytes) -> Tree:
        found: Tree = {}
        for place in self._places()[1:]:
            known = self._bytes.get(place.stat().st_ino, b"")
            found[str(place.relative_to(self.root))] = (
                None if place.is_dir() else known + filling * (place.stat().st_size - len(known))
            )
        return found


def build(world: Tree, place: Path) -> Path:
    """Make a world real in a new folder."""
    place.mkdir()
    for name, content in world.items():
        if content is None:
            (place / name).mkdir(parents=True, exist_ok=True)
        else:
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content)
    return place


FULL = {
    "no byte fits": lambda: full_after(0),
    "some bytes fit": lambda: full_after(200),
    "flushing fails": lambda: failing("fsync", errno.ENOSPC),
    "flushing fails late": lambda: failing("fsync", errno.EIO, at=1),
}
"""Ways in which a disk is full, each a context."""
