"""Comparing what lies at paths: one study along an axis, or folders of results with the first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from erf.errors import SettingError
from erf.measures.comparison import Comparison, compare
from erf.measures.field import fields_of
from erf.study.comparing import StudyComparison
from erf.study.conditions import Conditions, check_alike
from erf.study.places import named_paths, open_results
from erf.study.study import Study


def compare_folders(
    paths: Sequence[Path],
    *,
    by: str | None = None,
    criterion: str = "mass",
    level: float = 0.95,
    mixed: bool = False,
) -> Comparison | StudyComparison:
    """Compare one study along an axis, or results and folders of results with the first of them.

    Args:
        paths: of a study, or of two or more results and folders.
        by: the axis of a study; ``model`` by default.
        criterion, level, mixed: as in `Study.compare`.

    Raises:
        SettingError: when there is nothing to compare, or settings differ.
        StoreError: when there is no result, or one cannot be read.
    """
    if len(paths) == 1:
        return Study.open(paths[0]).compare(
            by=by or "model", criterion=criterion, level=level, mixed=mixed
        )
    if by is not None:
        raise SettingError(f"an axis ({by}) is compared within one study, not {len(paths)}")
    places = {name: open_results(path) for name, path in named_paths(paths).items()}
    told = "give results that agree, or say that they are mixed (--mixed)"
    alike = [(name, Conditions.of_result(each)) for name, some in places.items() for each in some]
    check_alike(alike, mixed=mixed, told=told)
    groups = {name: fields_of(some) for name, some in places.items()}
    return compare(groups, criterion=criterion, level=level)
