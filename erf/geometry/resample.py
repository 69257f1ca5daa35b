"""Relations of interpolation along one axis, with PyTorch's own rounding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float32, Int64

from erf.geometry.axis import ALL, Hull, Index, Relation, Taps, as_index

Kind = Literal["nearest", "nearest-exact", "linear", "cubic"]


@dataclass(frozen=True)
class Resample(Relation):
    """Nearest, linear or cubic interpolation of ``inputs`` samples at ``outputs`` positions.

    A tap whose weight happens to be zero (linear interpolation at a sample, or clamped at a
    border) counts as read, because the operator multiplies it: 0 x NaN is NaN. Positions are
    computed in single precision, as PyTorch does, so that ties round alike.

    Attributes:
        kind: the interpolation.
        inputs: samples read from.
        outputs: samples produced.
        scale: inputs a step of one output advances; None derives it from the sizes.
        align_corners: whether first and last samples coincide.
        clamped: whether positions beyond the border read the border. False imagines that the
            input goes on.
    """

    kind: Kind
    inputs: int
    outputs: int
    scale: float | None = None
    align_corners: bool = False
    clamped: bool = True

    @property
    def step(self) -> np.float32:
        """Inputs that one output advances."""
        if self.align_corners:
            return np.float32((self.inputs - 1) / (self.outputs - 1) if self.outputs > 1 else 0)
        return np.float32(self.inputs / self.outputs if self.scale is None else self.scale)

    def _positions(self, outputs: Index) -> Float32[np.ndarray, "..."]:
        index = as_index(outputs).astype(np.float32)
        half = np.float32(0.5)
        match self.kind, self.align_corners:
            case "nearest", _:
                return index * self.step
            case "nearest-exact", _:
                return (index + half) * self.step
            case _, True:
                return index * self.step
        positions = self.step * (index + half) - half
        if self.clamped and self.kind == "linear":
            positions = np.maximum(positions, np.float32(0))
        return positions

    def _ends(self, outputs: Index) -> tuple[Index, Index]:
        """First and last tap of each output, not yet clamped at the end."""
        if self.kind != "cubic" and self.inputs == self.outputs and self.scale in (None, 1.0):
            return as_index(outputs), as_index(outputs)
        base = np.floor(self._positions(outputs)).astype(np.int64)
        match self.kind:
            case "linear":
                if self.clamped:
                    base = np.minimum(base, self.inputs - 1)
                return base, base + 1
            case "cubic":
                return base - 1, base + 2
        return base, base

    def _clamp(self, taps: Index) -> Index:
        return np.clip(taps, 0, self.inputs - 1) if self.clamped else taps

    def _reads(self, lo: Index, hi: Index) -> Hull:
        return self._clamp(self._ends(lo)[0]), self._clamp(self._ends(hi - 1)[1]) + 1

    def _reaches(self, lo: Index, hi: Index) -> Hull:
        # Taps rise with the output, so a sorted table of all candidates answers both ends.
        step = max(float(self.step), 1e-6)
        start = int((lo.min(initial=0) - 4) / step) - 4
        stop = int((hi.max(initial=0) + 4) / step) + 4
        if self.clamped:
            start, stop = 0, self.outputs
        table = np.arange(start, max(stop, start))
        first, last = (self._clamp(ends) for ends in self._ends(table))
        return start + np.searchsorted(last, lo), start + np.searchsorted(first, hi)

    def _taps(self, outputs: Int64[np.ndarray, " n"]) -> Taps:
        first, last = self._ends(outputs)
        width = int((last - first).max(initial=0)) + 1
        taps = self._clamp(first[:, None] + np.arange(width)[None, :])
        return taps, ALL

    @property
    def unbounded(self) -> Resample:
        """Without clamping positions to the map."""
        return replace(self, clamped=False)
