"""Relations of interpolation along one axis, with PyTorch's own rounding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float, Int64

from erf.geometry.axis import Hull, Index, Relation, Taps, as_index
from erf.geometry.rearrange import hull_of, reached_of

Kind = Literal["nearest", "nearest-exact", "linear", "cubic"]


@dataclass(frozen=True)
class Resample(Relation):
    """Nearest, linear or cubic interpolation of ``inputs`` samples at ``outputs`` positions.

    A tap whose weight is zero (at a sample, as at the ends where corners are aligned) is not read:
    nothing that it holds can change the output. Positions are computed in the precision of the
    tensor, as PyTorch does, so that ties round alike.

    Attributes:
        kind: the interpolation.
        inputs: samples read from.
        outputs: samples produced.
        scale: inputs a step of one output advances; None derives it from the sizes.
        align_corners: whether first and last samples coincide.
        clamped: whether positions beyond the border read the border. False imagines that the
            input goes on.
        double: whether positions are computed in double precision, else in single.
    """

    kind: Kind
    inputs: int
    outputs: int
    scale: float | None = None
    align_corners: bool = False
    clamped: bool = True
    double: bool = False

    @property
    def _real(self) -> type[np.floating]:
        return np.float64 if self.double else np.float32

    @property
    def step(self) -> np.floating:
        """Inputs that one output advances."""
        if self.align_corners:
            return self._real((self.inputs - 1) / (self.outputs - 1) if self.outputs > 1 else 0)
        return self._real(self.inputs / self.outputs if self.scale is None else self.scale)

    def _positions(self, outputs: Index) -> Float[np.ndarray, "..."]:
        index = as_index(outputs).astype(self._real)
        half = self._real(0.5)
        match self.kind, self.align_corners:
            case "nearest", _:
                return index * self.step
            case "nearest-exact", _:
                return (index + half) * self.step
            case _, True:
                return index * self.step
        positions = self.step * (index + half) - half
        if self.clamped and self.kind == "linear":
            positions = np.maximum(positions, self._real(0))
        return positions

    def _ends(self, outputs: Index) -> tuple[Index, Index]:
        """First and last tap with a weight of each output, not yet clamped at the end."""
        if self.kind != "cubic" and self.inputs == self.outputs and self.scale in (None, 1.0):
            return as_index(outputs), as_index(outputs)
        positions = self._positions(outputs)
        base = np.floor(positions).astype(np.int64)
        between = (positions > base).astype(np.int64)
        match self.kind:
            case "linear":
                if self.clamped:
                    base = np.minimum(base, self.inputs - 1)
                return base, base + between
            case "cubic":
                return base - between, base + 2 * between
        return base, base

    def _clamp(self, taps: Index) -> Index:
        return np.clip(taps, 0, self.inputs - 1) if self.clamped else taps

    def _reads(self, lo: Index, hi: Index) -> Hull:
        if self.kind == "cubic":  # an output at a sample reads less than its neighbours do
            return hull_of(self, lo, hi)
        return self._clamp(self._ends(lo)[0]), self._clamp(self._ends(hi - 1)[1]) + 1

    def _reaches(self, lo: Index, hi: Index) -> Hull:
        if self.kind == "cubic" and self.clamped:
            return reached_of(self, lo, hi, self.outputs)
        # Taps rise with the output, so a sorted table of all candidates answers both ends.
        step = max(float(self.step), 1e-6)
        start = int((lo.min(initial=0) - 4) / step) - 4
        stop = int((hi.max(initial=0) + 4) / step) + 4
        if self.clamped:
            start, stop = 0, self.outputs
        table = np.arange(start, max(stop, start))
        first, last = (self._clamp(ends) for ends in self._ends(table))
        if self.kind == "cubic":
            first = np.minimum.accumulate(first[::-1])[::-1]
            last = np.maximum.accumulate(last)
        return start + np.searchsorted(last, lo), start + np.searchsorted(first, hi)

    def _taps(self, outputs: Int64[np.ndarray, " n"]) -> Taps:
        first, last = self._ends(outputs)
        width = int((last - first).max(initial=0)) + 1
        taps = first[:, None] + np.arange(width)[None, :]
        return self._clamp(taps), taps <= last[:, None]

    @property
    def unbounded(self) -> Resample:
        """Without clamping positions to the map."""
        return replace(self, clamped=False)
