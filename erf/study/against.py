"""Comparing what lies at paths: one study along an axis, or folders of results with the first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from erf.errors import SettingError
from erf.measures.comparison import Comparison, compare
from erf.study.comparing import StudyComparison
from erf.study.places import named_paths, open_results
from erf.study.study import Study
from erf.study.table import is_one_question


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
    if len(paths) == 1 and (by is not None or not is_one_question(paths[0])):
        return Study.open(paths[0]).compare(
            by=by or "model", criterion=criterion, level=level, mixed=mixed
        )
    if by is not None:
        raise SettingError(f"an axis ({by}) is compared within one study, not {len(paths)}")
    groups = {name: open_results(path) for name, path in named_paths(paths).items()}
    return compare(groups, criterion=criterion, level=level, mixed=mixed)
