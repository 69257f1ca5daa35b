"""Finding the files of a data set, and saying in one line what was looked for where."""

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from parsenet.datasets.dataset import PhotoFiles
from parsenet.errors import DatasetError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")


def find_folder(title: str, root: Path, places: Sequence[str], parts: Sequence[str]) -> Path:
    """Return the first of ``root``'s ``places`` that holds all ``parts``.

    People unpack archives at different depths; "." is ``root`` itself.

    Raises:
        DatasetError: naming what is missing where most of it was found.
    """
    folders = [root / place for place in places]
    found = [sum((folder / part).exists() for part in parts) for folder in folders]
    best = folders[found.index(max(found))]
    if max(found) == len(parts):
        return best
    wanted = ", ".join(parts)
    if not max(found):
        wanted += f" in {', '.join(map(str, folders))}"
        raise DatasetError(f"{title}: nothing of it is in {root} (looked for {wanted})")
    missing = next(best / part for part in parts if not (best / part).exists())
    raise DatasetError(f"{title}: {missing} is missing (looked for {wanted})")


def read_lines(path: Path) -> list[str]:
    """Read the lines of a text file that are not blank.

    Raises:
        DatasetError: if it cannot be read as text.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read as text: {error}") from error
    return [line.strip() for line in lines if line.strip()]


def read_names(path: Path) -> list[str]:
    r"""Read a list of photos, one a line: the line's first word without folder and suffix.

    So ``2007_000032``, ``2007_000032  1``, ``/JPEGImages/2007_000032.jpg /Labels/...`` and
    ``folder\2007_000032.jpg`` all name the same photo.
    """
    return [bare_name(line.split()[0]) for line in read_lines(path)]


def bare_name(text: str) -> str:
    """Return a file's name without its folder, and without its suffix if it is an image's."""
    path = PurePosixPath(text.replace("\\", "/"))
    return path.stem if path.suffix.lower() in IMAGE_SUFFIXES else path.name


def files_by_stem(folder: Path, suffixes: Sequence[str]) -> dict[str, Path]:
    """Return the files of a folder that end in one of ``suffixes``, by their names without it.

    Raises:
        DatasetError: if two files have one stem.
    """
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in suffixes or path.name.startswith("."):
            continue
        if path.stem in files:
            raise DatasetError(f"{folder}: holds both {files[path.stem].name} and {path.name}")
        files[path.stem] = path
    return files


def named_files(folder: Path, suffixes: Sequence[str], names: Iterable[str]) -> dict[str, Path]:
    """Return a folder's file of each name, whatever the case of its suffix.

    Where there is none, the path that was looked for, with the first suffix.
    """
    found = files_by_stem(folder, suffixes) if folder.is_dir() else {}
    return {name: found.get(name, folder / f"{name}{suffixes[0]}") for name in names}


def complete(title: str, photos: Iterable[PhotoFiles]) -> tuple[PhotoFiles, ...]:
    """Return the photos, all of whose files are there.

    Raises:
        DatasetError: if there are none, or naming the first missing file and counting the rest.
    """
    whole = tuple(photos)
    if not whole:
        raise DatasetError(f"{title}: the split names no photo")
    folders = {path.parent for photo in whole for path in (photo.image, photo.label)}
    present = {path for folder in folders if folder.is_dir() for path in folder.iterdir()}
    missing = [
        path for photo in whole for path in (photo.image, photo.label) if path not in present
    ]
    if missing:
        raise DatasetError(
            f"{title}: {missing[0]} is missing; of the {len(whole)} photos and their labels, "
            f"{len(missing)} files are"
        )
    return whole
