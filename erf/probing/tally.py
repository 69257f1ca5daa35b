"""Adding up readings: the mean over draws and its standard error, a patch at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64, Int64


@runtime_checkable
class Tally(Protocol):
    """Takes readings in any order; gives their mean over draws, laid out on the patch grid."""

    @property
    def samples(self) -> Float64[np.ndarray, "draws patch_rows patch_cols"] | None:
        """Every single discrepancy, where they are kept."""
        ...

    def expect(self, draws: int) -> None:
        """Make room for this many draws in all, before any of them is added."""
        ...

    def add(
        self,
        patches: Int64[np.ndarray, " n"],
        draws: Int64[np.ndarray, " n"],
        values: Float64[np.ndarray, "n ..."],
    ) -> None:
        """Take one batch of readings."""
        ...

    def cut(self, patches: slice, draws: range) -> dict[str, Float64[np.ndarray, "n ..."]]:
        """Everything known of some patches in these draws, a patch an entry."""
        ...

    def paste(
        self, patches: slice, draws: range, known: Mapping[str, Float64[np.ndarray, "n ..."]]
    ) -> None:
        """Take back what was cut."""
        ...

    def mean(self) -> Float64[np.ndarray, "patch_rows patch_cols ..."]:
        """Mean over draws."""
        ...

    def standard_error(self) -> Float64[np.ndarray, "patch_rows patch_cols ..."]:
        """Standard error of the mean; NaN with a single draw."""
        ...


class UnitTally:
    """Keeps every discrepancy of one unit: (draws, patch_rows, patch_cols)."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._shape = shape
        self._values = np.zeros((0, shape[0] * shape[1]))

    @property
    def samples(self) -> Float64[np.ndarray, "draws patch_rows patch_cols"]:
        """Every single discrepancy."""
        return self._values.reshape(-1, *self._shape)

    def expect(self, draws: int) -> None:
        """Make room for this many draws in all."""
        more = draws - len(self._values)
        self._values = np.concatenate([self._values, np.zeros((more, self._values.shape[1]))])

    def add(
        self,
        patches: Int64[np.ndarray, " n"],
        draws: Int64[np.ndarray, " n"],
        values: Float64[np.ndarray, " n"],
    ) -> None:
        """Take one batch of readings."""
        self._values[draws, patches] = values

    def cut(self, patches: slice, draws: range) -> dict[str, Float64[np.ndarray, "n draws"]]:
        """The discrepancies of some patches in these draws."""
        return {"samples": self._values[draws.start : draws.stop, patches].T}

    def paste(
        self, patches: slice, draws: range, known: Mapping[str, Float64[np.ndarray, "n draws"]]
    ) -> None:
        """Take back what was cut."""
        self._values[draws.start : draws.stop, patches] = known["samples"].T

    def mean(self) -> Float64[np.ndarray, "patch_rows patch_cols"]:
        """Mean over draws."""
        return self.samples.mean(axis=0)

    def standard_error(self) -> Float64[np.ndarray, "patch_rows patch_cols"]:
        """Standard error of the mean; NaN with a single draw."""
        draws = len(self._values)
        if draws == 1:
            return np.full(self._shape, np.nan)
        return self.samples.std(axis=0, ddof=1) / np.sqrt(draws)


class LayerTally:
    """Keeps running sums for a whole layer: never all patches, units and draws at once."""

    samples = None

    def __init__(self, shape: tuple[int, int], units: tuple[int, int]) -> None:
        self._shape, self._units, self._draws = shape, units, 0
        self._sum = np.zeros((shape[0] * shape[1], *units))
        self._squares = np.zeros_like(self._sum)

    def expect(self, draws: int) -> None:
        """Make room for this many draws in all."""
        self._draws = draws

    def add(
        self,
        patches: Int64[np.ndarray, " n"],
        draws: Int64[np.ndarray, " n"],
        values: Float64[np.ndarray, "n unit_rows unit_cols"],
    ) -> None:
        """Take one batch of readings."""
        np.add.at(self._sum, patches, values)
        np.add.at(self._squares, patches, np.square(values))

    def cut(self, patches: slice, draws: range) -> dict[str, Float64[np.ndarray, "n rows cols"]]:
        """The sums of some patches over all draws."""
        return {"sum": self._sum[patches], "squares": self._squares[patches]}

    def paste(
        self, patches: slice, draws: range, known: Mapping[str, Float64[np.ndarray, "n rows cols"]]
    ) -> None:
        """Take back what was cut."""
        self._sum[patches], self._squares[patches] = known["sum"], known["squares"]

    def mean(self) -> Float64[np.ndarray, "patch_rows patch_cols unit_rows unit_cols"]:
        """Mean over draws."""
        return (self._sum / self._draws).reshape(*self._shape, *self._units)

    def standard_error(self) -> Float64[np.ndarray, "patch_rows patch_cols unit_rows unit_cols"]:
        """Standard error of the mean; NaN with a single draw."""
        if self._draws == 1:
            return np.full((*self._shape, *self._units), np.nan)
        variance = np.maximum(self._squares / self._draws - (self._sum / self._draws) ** 2, 0)
        return np.sqrt(variance / (self._draws - 1)).reshape(*self._shape, *self._units)
