"""Keeping what was measured: a result in a folder, a figure, the static page."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

from erf.atomic import write_text
from erf.errors import SettingError
from erf.results import UnitResult, save
from figures.explorer.messages import Keepsake, Kept, Place


def keep(place: Place, what: Keepsake, results: Sequence[UnitResult], folder: Path) -> Kept:
    """Keep results; nothing that is there is ever overwritten.

    Args:
        place: of who asked.
        what: a ``result`` and a ``page`` go into the folder, a ``figure`` to the browser.
        results: what the sides of a tab show.
        folder: made when something is kept in it.

    Raises:
        SettingError: when nothing has been measured yet.
        StoreError, OSError: when the folder cannot be written to.
    """
    if not results:
        raise SettingError("nothing has been measured yet: wait for the first draw")
    return KEEPERS[what](place, results, folder)


def _keep_results(place: Place, results: Sequence[UnitResult], folder: Path) -> Kept:
    paths = [save(each, free(folder, name_of([each]), ".zarr")) for each in results]
    return Kept(place, "kept as " + " and ".join(map(str, paths)))


def _keep_page(place: Place, results: Sequence[UnitResult], folder: Path) -> Kept:
    from figures.report import report_page

    path = write_text(free(folder, name_of(results), ".html"), report_page(results))
    return Kept(place, f"page written to {path}")


def _keep_figure(place: Place, results: Sequence[UnitResult], folder: Path) -> Kept:
    from figures.compare import compare_figure
    from figures.field import field_figure
    from figures.style import look

    buffer = io.BytesIO()
    figure = field_figure(results[0]) if len(results) == 1 else compare_figure(list(results))
    with look():
        figure.savefig(buffer, format="png", dpi=300, metadata={"Software": None})
    name = f"{name_of(results)}.png"
    return Kept(place, f"figure {name}", name, buffer.getvalue())


KEEPERS: dict[Keepsake, Callable[[Place, Sequence[UnitResult], Path], Kept]] = {
    "result": _keep_results,
    "page": _keep_page,
    "figure": _keep_figure,
}


def name_of(results: Sequence[UnitResult]) -> str:
    """A name for a file: letters, digits, points and hyphens of models and units.

    Example:
        >>> safe_name("a/../<b>@7,7")
        'a-..-b-7,7'
    """
    return safe_name("-".join(f"{each.model_name}-{each.target}" for each in results))


def safe_name(text: str) -> str:
    """A text without what a path, a shell or a page could take for something else."""
    kept = "".join(letter if letter.isalnum() or letter in "-_.," else "-" for letter in text)
    return "-".join(part for part in kept.split("-") if part)[:100].strip(".") or "result"


def free(folder: Path, name: str, suffix: str) -> Path:
    """The first free path of ``name``, ``name-2`` and so on."""
    number = 1
    while (path := folder / f"{name}{f'-{number}' if number > 1 else ''}{suffix}").exists():
        number += 1
    return path
