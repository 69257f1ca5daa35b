"""What a result keeps of the engine that measured it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Agreement:
    """How closely an engine follows the dense one on the patches that were compared.

    Attributes:
        patches: how many were compared, one draw each.
        difference: largest difference of a discrepancy above the floor, over the largest
            discrepancy of these patches.
        agrees: whether every difference is within what rounding explains.
        floor: discrepancies below this share of the largest lie under dense's rounding.
    """

    patches: int
    difference: float
    agrees: bool
    floor: float = 0.0

    @property
    def summary(self) -> str:
        """In words: how far the comparison reaches."""
        if self.floor >= 1:
            return f"all of {self.patches} patches lie under dense's rounding: nothing to compare"
        return (
            f"within {self.difference:.0e} of the peak of {self.patches} patches; below "
            f"{self.floor:.0e} of it lies dense's rounding"
        )


@dataclass(frozen=True)
class EngineReport:
    """The engine that ran and what it noticed.

    Attributes:
        name: ``dense``, ``delta`` or ``gradient``.
        exact: whether a patch without influence gives exactly zero; else it may show the rounding
            of a difference of two large numbers.
        requested: the name that was asked for.
        notes: sentences for people.
        check: comparison with the dense engine, if there was one.
    """

    name: str
    exact: bool
    requested: str = ""
    notes: tuple[str, ...] = ()
    check: Agreement | None = None

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible; ``from_json`` reads it back."""
        return asdict(self) | {"notes": list(self.notes)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> EngineReport:
        """The report that ``to_json`` wrote."""
        check = values.get("check")
        return cls(
            name=values["name"],
            exact=values["exact"],
            requested=values.get("requested", ""),
            notes=tuple(values.get("notes", ())),
            check=None if check is None else Agreement(**check),
        )
