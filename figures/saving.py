"""Write a figure: PNG, PDF or SVG, the same bytes every time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from erf.atomic import new_file
from erf.errors import SettingError
from figures.style import styled

# What each format would otherwise stamp into the file: dates and versions.
_STAMPS: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Producer": None, "Creator": None},
    ".svg": {"Date": None, "Creator": None},
}

FORMATS = tuple(_STAMPS)


def check_format(path: Path) -> None:
    """Refuse a name that says no format we write.

    Raises:
        SettingError: naming the formats.
    """
    if path.suffix.lower() not in _STAMPS:
        names = ", ".join(FORMATS)
        raise SettingError(f"figure {path.name!r} must end in one of {names}")


@styled
def save(figure: Figure, path: str | Path, *, dpi: float | None = None) -> Path:
    """Write ``figure`` as the format its name ends with, replacing what is there.

    A file is written whole or not at all.

    Args:
        figure: any figure of this package.
        path: ends in .png, .pdf or .svg.
        dpi: pixels per inch of a PNG and of the images inside a PDF or SVG; 300 by default.

    Raises:
        SettingError: when the name ends otherwise.
    """
    path = Path(path)
    check_format(path)
    metadata = _STAMPS[path.suffix.lower()]
    with new_file(path, replace=True) as staging:
        figure.savefig(staging, dpi=300 if dpi is None else dpi, metadata=metadata)
    return path
