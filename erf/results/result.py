"""What a probe found: of one unit, or of a whole layer."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any

import numpy as np
import xarray
from jaxtyping import Float32, Float64, Int64, UInt8

from erf.engines.report import EngineReport
from erf.errors import UnitError
from erf.geometry import PatchGrid, Target
from erf.results.dataset import PATCH, UNIT, Arrays, assemble, edges
from erf.settings import Disturbance, Settings
from erf.theoretical.field import TheoreticalField, UnitTheory


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Result(ABC):
    """What the results of a unit and of a layer have in common.

    Attributes:
        target: the layer, unit and channel that were watched.
        settings: everything that decided the numbers; ask the same model and image with them again
            and the same bits come out.
        draws: random realisations (projections, for a gradient) behind each mean.
        joint: whether a draw is one event for the whole map (a projection), so that intervals
            resample it whole; else every patch has draws of its own.
        engine: what ran, whether its zeros are exact, and what it noticed.
        activation: clean response of the layer: one channel, or the L2 norm over channels.
        image: the image in the model's input space.
        picture: the image as a person sees it; None when the probe was given only a tensor.
        origin: model, weights, image, device and software, JSON-compatible; no number hangs on it.
    """

    target: Target
    settings: Settings
    draws: int
    joint: bool
    engine: EngineReport
    activation: Float32[np.ndarray, "unit_rows unit_cols"]
    image: Float32[np.ndarray, "channels rows cols"]
    picture: UInt8[np.ndarray, "rows cols 3"] | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)

    @property
    def grid(self) -> PatchGrid:
        """Where the patches were."""
        return PatchGrid(self.image_size, self.settings.patch, self.settings.step)

    @property
    def image_size(self) -> tuple[int, int]:
        """(rows, cols), pixels."""
        rows, cols = self.image.shape[-2:]
        return rows, cols

    @property
    def boxes(self) -> Int64[np.ndarray, "patch_rows patch_cols 4"]:
        """(top, left, bottom, right) of every patch, half-open pixels."""
        return self.grid.boxes

    @property
    def unit_count(self) -> tuple[int, int]:
        """(rows, cols) of units in the layer."""
        rows, cols = self.activation.shape
        return rows, cols

    @property
    def model_name(self) -> str:
        """The model's name in tables and figures."""
        return str(_named(self.origin, "model", "name") or "model")

    @property
    def image_name(self) -> str:
        """The image's name in tables and figures."""
        return str(_named(self.origin, "image", "name") or "image")

    @property
    def image_sha256(self) -> str | None:
        """What tells images apart: the hash of the image in input space."""
        found = _named(self.origin, "image", "sha256")
        return None if found is None else str(found)

    @property
    def photo_sha256(self) -> str | None:
        """What tells photos apart, whatever models make of them: the hash of the photo's file, or,
        where none is known, of the image in input space."""
        found = (_named(self.origin, "image", "photo") or {}).get("sha256")
        return self.image_sha256 if found is None else str(found)

    @property
    def shown(self) -> str | None:
        """What of the image a person is shown, of one that is no photo; None of a photo."""
        photo = _named(self.origin, "image", "photo")
        return str(photo["shown"]) if isinstance(photo, Mapping) and "shown" in photo else None

    @property
    def provenance(self) -> dict[str, Any]:
        """Origin, settings and engine in one JSON-compatible dictionary, to print and to keep."""
        return {
            **self.origin,
            "method": self.settings.method,
            "settings": self.settings.to_json(),
            "engine": self.engine.to_json(),
        }

    def facts(self) -> dict[str, str]:
        """What was asked and what came out, a line each, for people."""
        (rows, cols), settings = self.image_size, self.settings
        facts = {
            "model": self.model_name,
            "unit": str(self.target),
            "image": f"{rows} x {cols} px",
            "method": f"{settings.method}, {self.draws} draws",
            "engine": self.engine.name,
        }
        if settings.patch > 1:
            facts["patches"] = f"{settings.patch} px, stride {settings.step} px"
        return facts | self._found()

    def to_dataset(self) -> xarray.Dataset:
        """The result as a data set; settings, engine and origin are attributes of JSON text.

        Example:
            >>> import torch, erf
            >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1))
            >>> data = erf.probe(model, torch.randn(3, 24, 24), "0", patch=8, draws=2).to_dataset()
            >>> data.samples.dims, data.patch_row.values.tolist()
            (('draw', 'patch_row', 'patch_col'), [3.5, 11.5, 19.5])
        """
        arrays: Arrays = {
            "activation": (UNIT, self.activation),
            "image": (("channel", "row", "col"), self.image),
            "boxes": ((*PATCH, "edge"), self.boxes),
        }
        if self.picture is not None:
            arrays["picture"] = (("row", "col", "rgb"), self.picture)
        other = self.settings.other_image if isinstance(self.settings, Disturbance) else None
        if other is not None:
            arrays["other"] = (("channel", "row", "col"), other.pixels)
        return assemble(arrays | self._own_arrays(), self.grid, self._attributes())

    def _attributes(self) -> dict[str, Any]:
        software = self.origin.get("software", {})
        return {
            "title": f"{self.model_name}, {self.target}, {self.image_name}",
            "source": f"erf-probe {software.get('erf-probe', '')}",
            "target": json.dumps(asdict(self.target)),
            "method": self.settings.method,
            "settings": json.dumps(self.settings.to_json()),
            "draws": self.draws,
            "joint": int(self.joint),
            "engine": json.dumps(self.engine.to_json()),
            "theory": json.dumps(self._theory_words()),
            "origin": json.dumps(dict(self.origin)),
        }

    @abstractmethod
    def _own_arrays(self) -> Arrays:
        """What a unit's and a layer's result keep in arrays of their own."""

    @abstractmethod
    def _theory_words(self) -> dict[str, Any] | None:
        """What is kept of the theory besides its boxes."""

    @abstractmethod
    def _found(self) -> dict[str, str]:
        """What came out, a line each, for people."""

    def __repr__(self) -> str:
        lines = "".join(f"\n  {name:<9} {text}" for name, text in self.facts().items())
        return f"{type(self).__name__}{lines}"

    def _repr_html_(self) -> str:
        """A table, which notebooks show; `figures.html_summary` adds the figure and the sizes."""
        lines = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>"
            for name, text in self.facts().items()
        )
        return f"<table>{lines}</table>"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class UnitResult(Result):
    """Discrepancies of one unit over the patch grid of one image.

    Attributes:
        discrepancy: L2 change of the unit, mean over draws.
        standard_error: of that mean, over draws; NaN with a single draw.
        samples: the discrepancy of each draw; None for a unit cut out of a whole layer.
        theory: theoretical field of the unit; None when the model has no graph.
    """

    discrepancy: Float64[np.ndarray, "patch_rows patch_cols"]
    standard_error: Float64[np.ndarray, "patch_rows patch_cols"]
    samples: Float64[np.ndarray, "draws patch_rows patch_cols"] | None = None
    theory: UnitTheory | None = None

    @property
    def unit(self) -> tuple[int, int]:
        """(row, col) of the unit in its layer."""
        assert self.target.unit is not None
        return self.target.unit

    def _own_arrays(self) -> Arrays:
        arrays: Arrays = {
            "discrepancy": (PATCH, self.discrepancy),
            "standard_error": (PATCH, self.standard_error),
        }
        if self.samples is not None:
            arrays["samples"] = (("draw", *PATCH), self.samples)
        if self.theory is not None:
            arrays["theory_box"] = (("edge",), edges(self.theory.box))
            if self.theory.unclipped is not None:
                arrays["theory_unclipped"] = (("edge",), edges(self.theory.unclipped))
        return arrays

    def _theory_words(self) -> dict[str, Any] | None:
        if self.theory is None:
            return None
        return {name: getattr(self.theory, name) for name in ("size", "status", "reasons")}

    def _found(self) -> dict[str, str]:
        peak = float(self.discrepancy.max())
        heard = int((self.discrepancy > 0).sum())
        found = {
            "field": f"peak {peak:.3g}; above zero in {heard} of {self.discrepancy.size} patches"
        }
        if self.theory is not None:
            box = self.theory.box
            found["theory"] = (
                f"{box.height} x {box.width} px inside the image, {self.theory.status}"
            )
        return found


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LayerResult(Result):
    """Discrepancies of every unit of a layer: the influence of all patches on all of them.

    Only means and standard errors over draws are kept: all draws would be as many times larger.

    Attributes:
        discrepancy: L2 change of each unit, mean over draws. A column is a unit's field, a row a
            patch's projective field.
        standard_error: of that mean, over draws; NaN with a single draw.
        theory: theoretical fields of all units; None when the model has no graph.
    """

    discrepancy: Float64[np.ndarray, "patch_rows patch_cols unit_rows unit_cols"]
    standard_error: Float64[np.ndarray, "patch_rows patch_cols unit_rows unit_cols"]
    theory: TheoreticalField | None = None

    def unit(self, unit: tuple[int, int]) -> UnitResult:
        """The result of one unit; without single draws, so that its sizes have no intervals.

        Raises:
            UnitError: when the unit is not in the layer.

        Example:
            >>> import torch, erf
            >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1))
            >>> layer = erf.probe(model, torch.randn(3, 24, 24), "0", unit="all", patch=8)
            >>> layer.unit((2, 3)).target
            Target(layer='0', unit=(2, 3), channel=None)
        """
        (row, col), (rows, cols) = unit, self.unit_count
        if not (0 <= row < rows and 0 <= col < cols):
            raise UnitError(
                f"unit {row},{col} is outside layer {self.target.layer!r}, which has "
                f"{rows}x{cols} units (0,0 to {rows - 1},{cols - 1})"
            )
        return UnitResult(
            discrepancy=self.discrepancy[:, :, row, col],
            standard_error=self.standard_error[:, :, row, col],
            samples=None,
            target=Target(self.target.layer, (row, col), self.target.channel),
            settings=self.settings,
            draws=self.draws,
            joint=self.joint,
            engine=self.engine,
            activation=self.activation,
            image=self.image,
            picture=self.picture,
            theory=None if self.theory is None else self.theory.unit((row, col)),
            origin=self.origin,
        )

    def units(self) -> list[tuple[int, int]]:
        """All (row, col), row by row."""
        return [(row, col) for row, col in np.ndindex(*self.unit_count)]

    def _own_arrays(self) -> Arrays:
        field = (*PATCH, *UNIT)
        arrays: Arrays = {
            "discrepancy": (field, self.discrepancy),
            "standard_error": (field, self.standard_error),
        }
        if self.theory is not None:
            arrays["theory_box"] = ((*UNIT, "edge"), self.theory.boxes())
            if self.theory.border_known:
                arrays["theory_unclipped"] = ((*UNIT, "edge"), self.theory.boxes(clipped=False))
        return arrays

    def _theory_words(self) -> dict[str, Any] | None:
        if self.theory is None:
            return None
        names = ("size", "status", "reasons", "stride", "padding", "kind", "channel_dim")
        return {name: getattr(self.theory, name) for name in names}

    def _found(self) -> dict[str, str]:
        return {"influence": " x ".join(map(str, self.discrepancy.shape)) + " (patches, units)"}


def _named(origin: Mapping[str, Any], part: str, key: str) -> Any:
    found = origin.get(part)
    return found.get(key) if isinstance(found, Mapping) else None
