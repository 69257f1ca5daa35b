"""How far a study is: done, missing, failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from erf.errors import StoreError
from erf.study.plan import safe_name
from erf.study.tree import notes, read_root


@dataclass(frozen=True)
class Status:
    """What a study's folder holds of its plan.

    Attributes:
        path: of the folder.
        done: answers by model: a layer, method, photo and unit's name each.
        planned: likewise, all of them.
        notes: on tasks that were left out or failed.
    """

    path: Path
    done: Mapping[str, int]
    planned: Mapping[str, int]
    notes: tuple[Mapping[str, Any], ...]

    @property
    def missing(self) -> int:
        """Answers that are not there."""
        return sum(self.planned.values()) - sum(self.done.values())

    def lines(self) -> list[str]:
        """For a person."""
        width = max((len(name) for name in self.planned), default=0)
        lines = [
            f"{name:<{width}}  {self.done[name]:>5} of {self.planned[name]:>5}"
            for name in self.planned
        ]
        total = sum(self.planned.values())
        counts = {
            kind: sum(each["kind"] == kind for each in self.notes) for kind in ("skipped", "failed")
        }
        told = "".join(f", {number} tasks {kind}" for kind, number in counts.items() if number)
        lines.append(f"{sum(self.done.values())} of {total} done, {self.missing} missing{told}")
        lines += [
            f"{each['kind']:<7}  {each['task']}: {each['reason']} ({each['worker']})"
            for each in self.notes
        ]
        return [*lines, f"study  {self.path}"]


def status(path: str | Path) -> Status:
    """Look at a study's folder; no model is loaded and no result opened.

    Raises:
        StoreError: when it holds no study.
    """
    path = Path(path)
    root = read_root(path)
    if root is None:
        raise StoreError(f"{path}: holds no study; a folder of results is opened by erf measure")
    plan = root["plan"]
    done, planned = {}, {}
    for model, about in plan["models"].items():
        places = [
            path / safe_name(model) / safe_name(method) / photo / safe_name(layer) / safe_name(unit)
            for method in plan["methods"]
            for photo in plan["photos"]
            for layer in about["layers"]
            for unit in plan["units"]
        ]
        planned[model] = len(places)
        done[model] = sum(place.exists() for place in places)
    return Status(path, done, planned, tuple(notes(path)))
