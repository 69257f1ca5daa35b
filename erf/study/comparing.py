"""Comparing along one axis of a study, paired over photos."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from erf.errors import SettingError
from erf.measures.comparison import Comparison
from erf.measures.conditions import check_alike
from erf.measures.describing import size_label
from erf.measures.field import Field
from erf.measures.over_photos import PhotoSizes, Typical, typical
from erf.measures.ratios import Ratio, adjust, pairing, ratio_over_images
from erf.measures.sizes import SIGNIFICANT
from erf.measures.summary import percent
from erf.measures.verdict import Cells, comparison_cells, ratio_cells, tests_used, with_interval
from erf.study.axes import Axes
from erf.study.table import unit_results

if TYPE_CHECKING:
    import pandas

COMPARED = ("model", "layer", "unit", "method")


@dataclass(frozen=True)
class StudyCompared:
    """One value of the axis, all else being equal.

    Attributes:
        where: what else tells the row apart, such as ``layer3, center``.
        name: the value, such as a model's name.
        found: its typical size over photos.
        ratio: to the first value's, paired over the same photos; None in the first row. With one
            photo each nothing is said about other photos: the ratio has no interval and no p.
    """

    where: str
    name: str
    found: Typical
    ratio: Ratio | None


@dataclass(frozen=True)
class StudyComparison:
    """Rows of a comparison.

    Attributes:
        by: the axis.
        rows: all values of the axis at one place, then those of the next.
    """

    by: str
    rows: tuple[StudyCompared, ...]

    def __iter__(self) -> Iterator[StudyCompared]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> StudyCompared:
        return self.rows[index]

    def records(self) -> list[dict[str, Any]]:
        """Flat, one value a column; what is not known is None."""
        return [_flat(row, self.by) for row in self.rows]

    def to_frame(self) -> pandas.DataFrame:
        """A pandas table; needs pandas."""
        import pandas

        return pandas.DataFrame(self.records())

    def to_json(self) -> str:
        """All numbers."""
        return json.dumps(self.records(), indent=2, allow_nan=False)

    def to_csv(self) -> str:
        """A line a row, below a line of names."""
        text, records = io.StringIO(), self.records()
        writer = csv.DictWriter(text, list(records[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
        return text.getvalue()


def _flat(row: StudyCompared, by: str) -> dict[str, Any]:
    size = asdict(row.found)
    found = {"where": row.where, by: row.name, "size": size.pop("name"), **size}
    empty = {each.name: None for each in fields(Ratio)}
    ratio = empty if row.ratio is None else row.ratio.plain()
    found |= {f"ratio_{name}": value for name, value in ratio.items() if name != "level"}
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in found.items()
    }


def compare_study(
    study: Axes, by: str, criterion: str, *, level: float, mixed: bool
) -> StudyComparison:
    """See `Study.compare`.

    Raises:
        SettingError: with fewer than two values, or when settings differ.
    """
    if by not in COMPARED:
        raise SettingError(
            f"a study is compared by {', '.join(COMPARED)}, not {by!r}: photos are what a "
            "comparison is tested over"
        )
    if criterion == SIGNIFICANT:
        raise SettingError("criterion 'significant' grows with the number of draws: use mass")
    values = study.axis(by)
    if len(values) < 2:
        there = f"one {by}, {values[0]}" if values else f"no {by}"
        raise SettingError(f"a comparison by {by} needs at least 2, and there is {there}")
    rows: list[StudyCompared] = []
    for where, groups in _places(study, by).items():
        rows += _rows(where, groups, criterion, level=level, mixed=mixed)
    known = [row.ratio.p for row in rows if row.ratio is not None]
    adjusted = iter(adjust(known))
    return StudyComparison(
        by,
        tuple(
            row
            if row.ratio is None
            else replace(row, ratio=replace(row.ratio, p_adjusted=next(adjusted)))
            for row in rows
        ),
    )


def _places(study: Axes, by: str) -> dict[str, dict[str, Axes]]:
    """Parts of the study by all other axes, and in each by this one.

    Models whose layers have other names are compared stage by stage.

    Raises:
        SettingError: when models have other layers, and not as many.
    """
    others = [name for name in ("layer", "unit", "method", "model") if name != by]
    stage = by == "model" and not _same_layers(study)
    found: dict[str, dict[str, Axes]] = {}
    for value, part in study.groups(by).items():
        stages = {layer: f"stage {n}" for n, layer in enumerate(part.axis("layer"), start=1)}
        for key, group in part.groups(*others).items():
            named = dict(zip(others, key, strict=True))
            if stage:
                named["layer"] = stages[named["layer"]]
            told = [each for name, each in named.items() if len(study.axis(name)) > 1]
            found.setdefault(", ".join(told), {})[value[0]] = group
    return {where: groups for where, groups in found.items() if len(groups) > 1}


def _same_layers(study: Axes) -> bool:
    layers = {model: tuple(part.axis("layer")) for (model,), part in study.groups("model").items()}
    if len(set(layers.values())) == 1:
        return True
    if len({len(each) for each in layers.values()}) > 1:
        told = "; ".join(f"{model}: {', '.join(each)}" for model, each in layers.items())
        raise SettingError(
            f"models with different layers are compared stage by stage, and these have not as "
            f"many: {told}; choose layers"
        )
    return False


def _rows(
    where: str, groups: dict[str, Axes], criterion: str, *, level: float, mixed: bool
) -> list[StudyCompared]:
    named = [(name, each.conditions) for name, group in groups.items() for each in group]
    check_alike(named, mixed=mixed, told="choose results that agree, or say that they are mixed")
    fields_ = {
        name: [Field.of(result) for result in unit_results(group)] for name, group in groups.items()
    }
    sizes = {name: PhotoSizes.of(own, criterion) for name, own in fields_.items()}
    first = next(iter(sizes.values()))
    return [
        StudyCompared(
            where,
            name,
            typical(fields_[name], criterion, level=level),
            None if each is first else _ratio(each, first, level),
        )
        for name, each in sizes.items()
    ]


def _ratio(above: PhotoSizes, below: PhotoSizes, level: float) -> Ratio:
    """Over photos; with fewer than two of them a mere number."""
    if min(len(above.photos), len(below.photos)) < 2:
        value = math.exp(float(above.logs.mean() - below.logs.mean()))
        nan = math.nan
        return Ratio(value, nan, nan, nan, nan, "nothing", level)
    order = pairing(below.photos, above.photos)
    return ratio_over_images(np.exp(above.logs), np.exp(below.logs), order, level)


def cells_of(rows: Comparison | StudyComparison) -> Cells:
    """A comparison as a table for a person."""
    if isinstance(rows, Comparison):
        return comparison_cells(rows)
    first = rows[0].found
    head = ("", rows.by, "side, px", "of image", "photos", "area ratio", "verdict")
    over = {"images": "photos", "draws": "draws of one photo", "nothing": "nothing"}
    notes = [
        f"size: {size_label(first.name)}; {percent(first.level)} intervals over {over[first.over]}",
        f"ratios: to {rows[0].name}; {tests_used(row.ratio for row in rows)}",
    ]
    return head, [_cells(row) for row in rows], notes


def _cells(row: StudyCompared) -> tuple[str, ...]:
    found = row.found
    low, high = math.sqrt(max(found.low, 0)), math.sqrt(max(found.high, 0))
    return (
        row.where,
        row.name,
        with_interval(math.sqrt(found.area), None if math.isnan(low) else (low, high), 0),
        f"{100 * found.share_of_image:.1f} %",
        f"{found.images}",
        *ratio_cells(row.ratio),
    )
