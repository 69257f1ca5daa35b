"""What a probe found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8

from erf.geometry import Box, PatchGrid, Target
from erf.plan import Plan


@dataclass(frozen=True)
class TheoreticalExtent:
    """The theoretical field of the probed unit, as far as it could be derived.

    Attributes:
        size: (rows, cols) of an interior unit's field, padding included; None when unknown.
        box: pixels of the image that can reach this unit.
        unclipped: the same before clipping at the border and the padding; None when unknown.
        status: ``exact``, ``upper_bound``, ``whole_image`` or ``unknown``.
        reasons: operators responsible when the status is not ``exact``.
    """

    box: Box
    size: tuple[int, int] | None = None
    unclipped: Box | None = None
    status: str = "unknown"
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class LayerTheory:
    """The theoretical fields of all units of a layer.

    Attributes:
        boxes: (top, left, bottom, right) of the pixels that can reach each unit.
        unclipped: the same as if the image had no border.
        size: (rows, cols) of an interior unit's field.
        status: ``exact``, ``upper_bound`` or ``whole_image``.
        reasons: operators responsible when the status is not ``exact``.
    """

    boxes: Int64[np.ndarray, "unit_rows unit_cols 4"]
    unclipped: Int64[np.ndarray, "unit_rows unit_cols 4"]
    size: tuple[int, int]
    status: str
    reasons: tuple[str, ...] = ()

    def box(self, unit: tuple[int, int], *, clipped: bool = True) -> Box:
        """Pixels that a unit reads; if not clipped, as if the image had no border."""
        return Box(*map(int, (self.boxes if clipped else self.unclipped)[unit]))

    def extent(self, unit: tuple[int, int]) -> TheoreticalExtent:
        """What a result of this one unit would keep."""
        return TheoreticalExtent(
            box=self.box(unit),
            size=self.size,
            unclipped=self.box(unit, clipped=False),
            status=self.status,
            reasons=self.reasons,
        )


@dataclass(frozen=True, repr=False)
class ProbeResult:
    """Discrepancies of one target over the patch grid of one image.

    Attributes:
        discrepancy: L2 change of the unit, mean over draws; for a whole layer the influence of
            every patch on every unit.
        standard_error: of that mean, over draws; NaN with a single draw.
        samples: the discrepancy of each draw; None for a whole layer, where only the mean and the
            standard error are kept.
        target: the layer, unit and channel that were watched.
        plan: every setting of the probe.
        activation: clean response of the layer: one channel, or the L2 norm over channels.
        image: the image in the model's input space.
        picture: the image as a person sees it; None when the probe was given only a tensor.
        theory: theoretical field of the unit; None for a whole layer.
        layer_theory: theoretical fields of all units; for a whole layer alone.
        provenance: model, weights, software, engine and what it noticed, JSON-compatible.
    """

    discrepancy: (
        Float64[np.ndarray, "patch_rows patch_cols"]
        | Float64[np.ndarray, "patch_rows patch_cols unit_rows unit_cols"]
    )
    standard_error: (
        Float64[np.ndarray, "patch_rows patch_cols"]
        | Float64[np.ndarray, "patch_rows patch_cols unit_rows unit_cols"]
    )
    samples: Float64[np.ndarray, "draws patch_rows patch_cols"] | None
    target: Target
    plan: Plan
    activation: Float32[np.ndarray, "unit_rows unit_cols"]
    image: Float32[np.ndarray, "channels rows cols"]
    picture: UInt8[np.ndarray, "rows cols 3"] | None = None
    theory: TheoreticalExtent | None = None
    layer_theory: LayerTheory | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def grid(self) -> PatchGrid:
        """Where the patches were."""
        rows, cols = self.image.shape[-2:]
        return PatchGrid((rows, cols), self.plan.patch, self.plan.stride)

    @property
    def boxes(self) -> Int64[np.ndarray, "patch_rows patch_cols 4"]:
        """(top, left, bottom, right) of every patch, half-open pixels."""
        return self.grid.boxes

    @property
    def engine(self) -> str:
        """The engine that ran; the plan has the one that was asked for."""
        return str(self.provenance.get("engine", {}).get("name", self.plan.engine))

    @property
    def unit_count(self) -> tuple[int, int]:
        """(rows, cols) of units in the layer."""
        rows, cols = self.activation.shape
        return rows, cols

    @property
    def model_name(self) -> str:
        """The model's name in tables and figures."""
        return str(self.provenance.get("model", {}).get("name", "model"))

    def facts(self) -> dict[str, str]:
        """What was asked and what came out, a line each, for people."""
        from erf.measures import measure  # measures build on results, not results on measures

        plan, (rows, cols) = self.plan, self.grid.image_size
        found = {
            "model": self.model_name,
            "unit": str(self.target),
            "image": f"{rows} x {cols} px",
            "patches": f"{plan.patch} px, stride {plan.stride} px, {plan.draws} draws",
            "stimulus": plan.stimulus,
            "engine": self.engine,
        }
        if self.target.unit is None:
            return found | {"influence": " x ".join(map(str, self.discrepancy.shape))}
        return found | {"field": measure(self, resamples=0).summary}

    def __repr__(self) -> str:
        lines = "".join(f"\n  {name:<9} {text}" for name, text in self.facts().items())
        return f"ProbeResult{lines}"

    def _repr_html_(self) -> str:
        """A table, which notebooks show; `figures.html_summary` adds the figure."""
        lines = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>"
            for name, text in self.facts().items()
        )
        return f"<table>{lines}</table>"
