"""The axes of a study: results by model, layer, unit, image, method."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from erf.errors import SettingError, StoreError
from erf.measures.conditions import Conditions
from erf.results import LayerResult, UnitResult, open_result
from erf.results.group import attributes_of

if TYPE_CHECKING:
    import pandas

Some = TypeVar("Some", bound="Axes")
AXES = ("model", "layer", "unit", "image", "method")


@dataclass(frozen=True)
class Entry:
    """One result of a study, known by its attributes.

    Attributes:
        path: of the result.
        model, layer, method: their names.
        unit: as it was asked for, such as ``grid:3``.
        image: the photo's name.
        position: (row, col) of the unit in its layer; None for a whole layer.
        photo: what tells photos apart, also those of one name: their hash.
        draws: that were taken.
        conditions: what must agree where results are set beside each other.
    """

    path: Path
    model: str
    layer: str
    method: str
    unit: str
    image: str
    position: tuple[int, int] | None
    photo: str
    draws: int
    conditions: Conditions

    @classmethod
    def read(cls, path: Path) -> Entry:
        """Read a result's attributes, and no array.

        Raises:
            StoreError: when they are not those of a result of this version.
        """
        found = attributes_of(path) or {}
        try:
            target, origin = json.loads(found["target"]), json.loads(found["origin"])
            settings = json.loads(found["settings"])
            axes, image = origin.get("study", {}), origin.get("image", {})
            position = None if target["unit"] is None else tuple(target["unit"])
            channel = "" if target["channel"] is None else f":{target['channel']}"
            return cls(
                path=path,
                model=axes.get("model", origin.get("model", {}).get("name", "model")),
                layer=target["layer"] + channel,
                method=axes.get("method", settings["method"]),
                unit=axes.get("unit", _asked(position, path)),
                image=image.get("name", "image"),
                position=position,
                photo=image.get("photo", {}).get("sha256", image.get("sha256", str(path))),
                draws=int(found["draws"]),
                conditions=Conditions.of(settings, origin),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise StoreError(f"{path} is no result of this version ({reason})") from None

    def open(self) -> UnitResult | LayerResult:
        """The result itself."""
        return open_result(self.path)


def _asked(position: tuple[int, ...] | None, path: Path) -> str:
    """What a probe outside a study was asked for: one unit a result, or a folder of several."""
    if position is None:
        return "all"
    text = ",".join(map(str, position))
    return "several" if path.stem == text else text


@dataclass(frozen=True, eq=False)
class Axes:
    """Results along their axes, opened when they are asked for.

    Attributes:
        path: of the folder.
        entries: one a result, models and layers in the order of the plan.
    """

    path: Path
    entries: tuple[Entry, ...]

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(self.axis(name))} {name}s" for name in AXES)
        return f"{type(self).__name__}({str(self.path)!r}: {len(self)} results; {counts})"

    def axis(self, name: str) -> list[str]:
        """The values along an axis, in order.

        Raises:
            SettingError: when there is no such axis.
        """
        if name not in AXES:
            raise SettingError(f"axis {name!r} is none of {', '.join(AXES)}")
        return list(dict.fromkeys(getattr(each, name) for each in self.entries))

    def select(
        self: Some,
        *,
        model: str | Collection[str] | None = None,
        layer: str | Collection[str] | None = None,
        unit: str | Collection[str] | None = None,
        image: str | Collection[str] | None = None,
        method: str | Collection[str] | None = None,
    ) -> Some:
        """The part of the study with these values; several of an axis in a list.

        Raises:
            SettingError: when a value is not there, with those that are.
        """
        wanted = {"model": model, "layer": layer, "unit": unit, "image": image, "method": method}
        kept = list(self.entries)
        for name, values in wanted.items():
            if values is None:
                continue
            chosen = {values} if isinstance(values, str) else set(values)
            if unknown := sorted(chosen - set(self.axis(name))):
                known = ", ".join(self.axis(name))
                raise SettingError(f"{self.path}: no {name} {unknown[0]!r}; there are {known}")
            kept = [each for each in kept if getattr(each, name) in chosen]
        return replace(self, entries=tuple(kept))

    def groups(self: Some, *axes: str) -> dict[tuple[str, ...], Some]:
        """Parts of the study, one for each combination of values along these axes."""
        found: dict[tuple[str, ...], list[Entry]] = {}
        for each in self.entries:
            found.setdefault(tuple(getattr(each, name) for name in axes), []).append(each)
        return {key: replace(self, entries=tuple(some)) for key, some in found.items()}

    def results(self) -> list[UnitResult | LayerResult]:
        """The results, opened.

        Raises:
            StoreError: when one is damaged.
        """
        return [each.open() for each in self.entries]

    def records(self) -> list[dict[str, Any]]:
        """A row a result: its axes, its draws, where it lies."""
        return [
            {
                **{name: getattr(each, name) for name in AXES},
                "row": None if each.position is None else each.position[0],
                "col": None if each.position is None else each.position[1],
                "draws": each.draws,
                **each.conditions.plain(),
                "path": str(each.path),
            }
            for each in self.entries
        ]

    def to_frame(self) -> pandas.DataFrame:
        """`records` as a pandas table; needs pandas."""
        import pandas

        return pandas.DataFrame(self.records())
