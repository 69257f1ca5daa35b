"""The tables of the page on the paper's claim, and the sentences that follow from them alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

import erf
from benchmarks.paper.networks import Network
from erf.measures import fields_of, typical

CRITERION = "mass:0.9545"
"""The one that the answer is given by; it was fixed before the photos were looked at."""

QUARTER = 0.25
OTHERS = {
    "mass:0.9": "90 % of the mass",
    "peak:0.0455": "above 4.55 % of the peak",
    "peak:0.1": "above 10 %",
    "peak:0.5": "above 50 %",
    "participation": "participation area",
}


@dataclass(frozen=True)
class Row:
    """One layer of one network on all of its photos."""

    network: Network
    layer: str
    by_photo: dict[str, erf.UnitResult]

    @property
    def title(self) -> list[str]:
        """The first two columns of any table."""
        return [self.network.title, self.layer]

    def shares(self, size: str) -> dict[str, float]:
        """Share of the image that each photo's field takes."""
        found = {}
        for photo, result in self.by_photo.items():
            rows, cols = result.image_size
            found[photo] = erf.measure(result).size(size).area / (rows * cols)
        return found

    def said(self, size: str = CRITERION) -> str:
        """The geometric mean over photos with its interval, share of the image."""
        rows, cols = next(iter(self.by_photo.values())).image_size
        found = typical(fields_of(list(self.by_photo.values())), size)
        whole = rows * cols
        if found.over != "images":
            return percent(found.area / whole)
        ends = (percent(each / whole) for each in (found.low, found.high))
        return f"{percent(found.area / whole)} ({' to '.join(ends)})"


def page(noise: Sequence[Row], gradient: Sequence[Row], setting: str) -> str:
    """Return everything between the page's markers."""
    parts = [
        setting,
        table(
            ["theoretical", "photos", "of the image", "least to most", "of the theoretical field"],
            map(_main, noise),
        ),
        _answer(noise),
        "## Appendix: other borders of the same maps",
        "Share of the image, mean over photos with its interval:",
        _columns(noise, OTHERS),
    ]
    if gradient:
        parts += [
            "The gradient's field (absolute, random projections) instead of the noise's:",
            _columns(gradient, {CRITERION: "95.45 % of the mass", "peak:0.0455": "above 4.55 %"}),
        ]
    parts += ["Every photo, fc7 of FCN-32s:", _by_photo(noise)]
    return "\n\n".join(parts)


def _main(row: Row) -> list[str]:
    theory = next(iter(row.by_photo.values())).theory
    assert theory is not None
    whole = theory.status == "whole_image" or theory.size is None
    shares = list(row.shares(CRITERION).values())
    of_theory = [erf.measure(each).share_of_theory or np.nan for each in row.by_photo.values()]
    return [
        *row.title,
        "whole image" if whole else "{}x{}".format(*theory.size or ()),
        str(len(row.by_photo)),
        row.said(),
        f"{percent(min(shares))} to {percent(max(shares))}",
        "" if whole else percent(float(np.mean(of_theory))),
    ]


def _answer(rows: Sequence[Row]) -> str:
    """Say of each row of fc7 how it stands to a quarter of the image."""
    lines = []
    for row in rows:
        if not row.network.name.startswith(("trained", "random")) or row.layer != "fc7":
            continue
        shares = np.array(list(row.shares(CRITERION).values()))
        below = {
            words: int((np.array(list(row.shares(size).values())) < QUARTER).sum())
            for size, words in {CRITERION: "95.45 % of the mass", **OTHERS}.items()
        }
        others = ", ".join(f"{count} by {words}" for words, count in list(below.items())[1:])
        lines.append(
            f"**{row.network.title}**: fc7 hears {row.said()} of the image; it is below a quarter "
            f"on {below['95.45 % of the mass']} of {len(shares)} photos. By other borders below a "
            f"quarter: {others}."
        )
    return "\n\n".join(lines)


def _columns(rows: Sequence[Row], sizes: dict[str, str]) -> str:
    return table(list(sizes.values()), ([*row.title, *map(row.said, sizes)] for row in rows))


def _by_photo(rows: Sequence[Row]) -> str:
    fc7 = [r for r in rows if r.layer == "fc7" and r.network.photos is None]
    sizes = (CRITERION, "peak:0.0455")
    words = {CRITERION: "mass", "peak:0.0455": "4.55 % of the peak"}
    columns = {(row.network.title, size): row.shares(size) for row in fc7 for size in sizes}
    head = ["photo", *(f"{title}, {words[size]}" for title, size in columns)]
    photos = list(fc7[0].by_photo) if fc7 else []
    lines = [
        [photo, *(percent(each[photo]) if photo in each else "" for each in columns.values())]
        for photo in photos
    ]
    return _markdown(head, lines)


def table(columns: list[str], lines: Iterable[list[str]]) -> str:
    """A Markdown table that begins with network and layer."""
    return _markdown(["network", "layer", *columns], lines)


def _markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    shown = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in shown)


def percent(share: float) -> str:
    """A share as text.

    Example:
        >>> percent(0.0823), percent(0.34)
        ('8.2 %', '34 %')
    """
    return f"{100 * share:.{0 if share >= 0.0995 else 1}f} %"
