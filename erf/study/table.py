"""The table of a study: one row a model, layer, method, unit and size, for a person or a paper."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erf.errors import UnitError
from erf.measures import size_label
from erf.measures.conditions import check_alike
from erf.measures.field import Field
from erf.measures.over_photos import Typical, typical
from erf.measures.summary import percent
from erf.results import LayerResult, UnitResult
from erf.results.dataset import VERSION
from erf.results.group import attributes_of, is_result
from erf.study.axes import Axes, Entry
from erf.study.tree import find_places, read_root

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class StudyRow:
    """A row of the table. Areas and sides are pixels; what is not known is None.

    Attributes:
        model, layer, method, unit: as in the study.
        size: its name, such as ``mass:0.9545``.
        area, area_low, area_high: geometric mean over photos, with its interval.
        side, side_low, side_high: of squares of these areas.
        interval_over: ``images``, ``draws`` (of the only photo) or ``nothing``.
        share_of_image: of the photo's area.
        share_of_visible: of the area of the patches that can reach the unit inside the image.
        theory_side: of the theoretical field with what lies beyond the border.
        theory_inside: of its part inside the image, mean over units.
        theory_status: ``exact``, ``upper_bound``, ``whole_image`` or ``unknown``.
        images, units, draws: photos, units of each of them, draws of each of those.
    """

    model: str
    layer: str
    method: str
    unit: str
    size: str
    area: float
    area_low: float | None
    area_high: float | None
    side: float
    side_low: float | None
    side_high: float | None
    interval_over: str
    share_of_image: float
    share_of_visible: float | None
    theory_side: float | None
    theory_inside: float | None
    theory_status: str
    images: int
    units: int
    draws: int


@dataclass(frozen=True)
class StudyTable:
    """Rows of a study.

    Attributes:
        rows: in the order of the study.
        level: of the intervals.
    """

    rows: tuple[StudyRow, ...]
    level: float = 0.95

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[StudyRow]:
        return iter(self.rows)

    def records(self) -> list[dict[str, Any]]:
        """Rows as dictionaries."""
        return [asdict(row) for row in self.rows]

    def to_frame(self) -> pandas.DataFrame:
        """A pandas table; needs pandas."""
        import pandas

        return pandas.DataFrame(self.records(), columns=[each.name for each in fields(StudyRow)])

    def to_csv(self) -> str:
        """A line a row, below a line of names; what is not known is empty."""
        text = io.StringIO()
        names = [each.name for each in fields(StudyRow)]
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.records())
        return text.getvalue()

    def to_json(self) -> str:
        """All numbers; what is not known is null."""
        values = {"level": self.level, "rows": self.records()}
        return json.dumps(values, indent=2, allow_nan=False)

    def to_latex(self) -> str:
        """A ``tabular`` for a paper, with the packages that LaTeX has of itself."""
        head = ("model", "layer", "unit", "theory", "measured", "interval", "of image", "photos")
        lines = [r"\begin{tabular}{lllrrrrr}", r"\hline", " & ".join(head) + r" \\", r"\hline"]
        lines += [" & ".join(_latex_cells(row)) + r" \\" for row in self.rows]
        return "\n".join([*lines, r"\hline", r"\end{tabular}", *self._latex_notes()])

    def cells(self) -> tuple[tuple[str, ...], list[tuple[str, ...]], list[str]]:
        """For a person: the head of a table, the cells of its rows, and notes."""
        words = "model", "layer", "unit"
        head = *words, "theory, px", "side, px", "interval", "of image", "photos"
        sizes = list(dict.fromkeys(row.size for row in self.rows))
        more = len({row.method for row in self.rows}) > 1 or len(sizes) > 1
        rows = [_cells(row, more) for row in self.rows]
        over = {"images": "photos", "draws": "draws (one photo)", "nothing": "nothing"}
        told = ", ".join(over[each] for each in dict.fromkeys(r.interval_over for r in self.rows))
        notes = [
            f"size: {', '.join(map(size_label, sizes))}; the side is that of a square of this area",
            f"{percent(self.level)} intervals over {told}; units of one photo count once",
        ]
        return head, rows, notes

    def _latex_notes(self) -> list[str]:
        over = " and ".join(dict.fromkeys(row.interval_over for row in self.rows))
        sizes = ", ".join(dict.fromkeys(size_label(row.size) for row in self.rows))
        return [
            f"% sides in pixels of squares of equal area; {_escaped(sizes)}; "
            f"{100 * self.level:g} \\% intervals over {over}"
        ]


def _latex_cells(row: StudyRow) -> list[str]:
    theory = "--" if row.theory_side is None else f"{row.theory_side:.0f}"
    interval = "--" if row.side_low is None else f"{row.side_low:.0f}--{row.side_high:.0f}"
    if row.interval_over == "draws":
        interval += " (draws)"
    name = row.model, row.layer, row.unit
    return [
        *map(_escaped, name),
        theory,
        f"{row.side:.0f}",
        interval,
        f"{100 * row.share_of_image:.1f}\\,\\%",
        f"{row.images}",
    ]


def _cells(row: StudyRow, more: bool) -> tuple[str, ...]:
    theory = "" if row.theory_side is None else f"{row.theory_side:.0f}"
    name = f"{row.unit}, {row.method}, {size_label(row.size)}" if more else row.unit
    return (
        row.model,
        row.layer,
        name if row.units == 1 else f"{name} ({row.units} units)",
        theory + ("" if row.theory_status == "exact" or not theory else " at most"),
        f"{row.side:.1f}",
        "" if row.side_low is None else f"{row.side_low:.1f} to {row.side_high:.1f}",
        f"{100 * row.share_of_image:.1f} %",
        f"{row.images}",
    )


def _escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "_&%#${}" else letter for letter in text)


def tabulate(study: Axes, sizes: Sequence[str], *, level: float, mixed: bool) -> StudyTable:
    """Measure every (model, layer, method, unit) of a study.

    Raises:
        SettingError: when there is no such size, or settings differ within a row.
        UnitError: when a result is of a whole layer.
    """
    rows: list[StudyRow] = []
    for key, group in study.groups("model", "layer", "method", "unit").items():
        named = [(f"{each.path}", each.conditions) for each in group]
        check_alike(named, mixed=mixed, told="measure them apart, or say that they are mixed")
        results = unit_results(group)
        fields_ = [Field.of(each) for each in results]
        rows += [_row(key, results, typical(fields_, size, level=level)) for size in sizes]
    return StudyTable(tuple(rows), level)


def unit_results(study: Axes) -> list[UnitResult]:
    """The results of a part of a study, none of a whole layer.

    Raises:
        UnitError: when one is.
    """
    found = []
    for each in study:
        result = each.open()
        if isinstance(result, LayerResult):
            raise UnitError(
                f"{each.path} holds the whole layer {each.layer!r}: measure units of it by name, "
                "such as center or grid:3"
            )
        found.append(result)
    return found


def _row(key: tuple[str, ...], results: Sequence[UnitResult], found: Typical) -> StudyRow:
    model, layer, method, unit = key
    low, high = (None if math.isnan(each) else each for each in (found.low, found.high))
    theories = [each.theory for each in results]
    statuses = {"unknown" if each is None else each.status for each in theories}
    return StudyRow(
        model=model,
        layer=layer,
        method=method,
        unit=unit,
        size=found.name,
        area=found.area,
        area_low=low,
        area_high=high,
        side=math.sqrt(found.area),
        side_low=None if low is None else math.sqrt(low),
        side_high=None if high is None else math.sqrt(high),
        interval_over=found.over,
        share_of_image=found.share_of_image,
        share_of_visible=found.share_of_visible,
        theory_side=theory_side(results[0]),
        theory_inside=_inside(results),
        theory_status=statuses.pop() if len(statuses) == 1 else "several",
        images=found.images,
        units=found.units,
        draws=found.draws,
    )


def theory_side(result: UnitResult) -> float | None:
    """Side of the square as large as the theoretical field, padding included; None if unknown."""
    theory = result.theory
    if theory is None or theory.status == "unknown":
        return None
    if theory.size is not None:
        return math.sqrt(theory.size[0] * theory.size[1])
    return math.sqrt((theory.unclipped or theory.box).area)


def _inside(results: Sequence[UnitResult]) -> float | None:
    known = [each.theory for each in results if each.theory is not None]
    if len(known) < len(results) or any(each.status == "unknown" for each in known):
        return None
    return sum(math.sqrt(each.box.area) for each in known) / len(known)


def is_one_question(path: Path) -> bool:
    """Whether a path holds one result, or results of one layer of one model and no study."""
    if is_result(path) or not path.is_dir():
        return True
    if read_root(path) is not None:
        return False
    origins = [Entry.read(place) for place in find_places(path) if _is_current(place)]
    return len({(each.model, each.layer, each.method) for each in origins}) < 2


def _is_current(place: Path) -> bool:
    """Whether a result is of the version whose attributes say what it is of."""
    return (attributes_of(place) or {}).get("version") == VERSION
