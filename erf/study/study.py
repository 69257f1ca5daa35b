"""A study that is opened: its results by their axes, measured and compared."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import xarray

from erf.errors import StoreError
from erf.results import LayerResult, UnitResult, open_result
from erf.results.group import is_result
from erf.study.axes import Axes, Entry
from erf.study.comparing import StudyComparison, compare_study
from erf.study.table import StudyTable, tabulate
from erf.study.tree import find_places, read_root


class Study(Axes):
    """Results of many models, layers, units and photos, opened lazily: a folder of them.

    Example: see `erf.study.run_study`.
    """

    @classmethod
    def open(cls, path: str | Path) -> Study:
        """The study in a folder, or any folder of results.

        Raises:
            StoreError: when it holds none.
        """
        path = Path(path)
        root, places = read_root(path), find_places(path)
        if root is None and not places:
            raise StoreError(f"{path}: holds no result of a probe")
        entries = [Entry.read(place) for place in places]
        order = {} if root is None else _order(root["plan"])
        return cls(path, tuple(sorted(entries, key=lambda each: _rank(each, order))))

    def to_datatree(self) -> xarray.DataTree:
        """All results as one lazy xarray tree."""
        return xarray.open_datatree(self.path, engine="zarr", consolidated=False)

    def measure(
        self,
        *,
        criterion: str = "mass",
        sizes: Sequence[str] = (),
        level: float = 0.95,
        mixed: bool = False,
    ) -> StudyTable:
        """The typical size of every (model, layer, unit), with intervals over photos.

        Args:
            criterion: the first size of each.
            sizes: further ones.
            level: of confidence.
            mixed: whether results of one row may differ in their settings.

        Raises:
            SettingError: when there is no such size, or settings differ within a row.
            UnitError: when a result is of a whole layer.
        """
        return tabulate(self, [criterion, *sizes], level=level, mixed=mixed)

    def compare(
        self,
        *,
        by: str = "model",
        criterion: str = "mass",
        level: float = 0.95,
        mixed: bool = False,
    ) -> StudyComparison:
        """Typical sizes along an axis set against the first value's, paired over photos.

        Args:
            by: ``model``, ``layer``, ``unit`` or ``method``.
            criterion: the size.
            level: of confidence.
            mixed: whether results that are compared may differ in their settings.

        Raises:
            SettingError: with fewer than two values, or when settings differ.
        """
        return compare_study(self, by, criterion, level=level, mixed=mixed)

    @cached_property
    def plan(self) -> dict[str, Any] | None:
        """What the study's root says of its plan; None for a mere folder of results."""
        root = read_root(self.path)
        return None if root is None else root["plan"]


def _order(plan: dict[str, Any]) -> dict[tuple[str, str], tuple[int, int]]:
    """Where a model and one of its layers stand in the plan."""
    return {
        (model, layer): (row, col)
        for row, (model, about) in enumerate(plan["models"].items())
        for col, layer in enumerate(about["layers"])
    }


def _rank(entry: Entry, order: dict[tuple[str, str], tuple[int, int]]) -> tuple[Any, ...]:
    last = (len(order), 0)
    place = order.get((entry.model, entry.layer.partition(":")[0]), last)
    return *place, entry.method, entry.image, str(entry.path)


def open_any(path: str | Path) -> UnitResult | LayerResult | Study:
    """Read a result back, or open a folder of them as a `Study`.

    Raises:
        StoreError: when there is no result, a damaged one, or one of a version not known here.

    Example:
        >>> import tempfile, torch, erf
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1))
        >>> result = erf.probe(model, torch.randn(3, 24, 24), "0", patch=8, draws=1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     place = erf.save(result, folder + "/one.zarr")
        ...     erf.open(place).target.layer, len(erf.open(folder))
        ('0', 1)
    """
    path = Path(path)
    if path.is_dir() and not is_result(path) and (read_root(path) or find_places(path)):
        return Study.open(path)
    return open_result(path)
