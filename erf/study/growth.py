"""How a unit's field grows while its network is trained."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from erf.errors import StoreError
from erf.geometry import parse_unit
from erf.photo import Photo
from erf.results import LayerResult, UnitResult, open_result, save
from erf.settings import Noise
from erf.study.places import find_results
from erf.subject import Subject


@runtime_checkable
class TakesPhotos(Protocol):
    """How a model wants its images: an `erf.InputSpace`, or one of another package."""

    def tensor(self, image: UInt8[np.ndarray, "rows cols 3"], /) -> Float[Tensor, "c h w"]:
        """Grey levels in the model's input space."""

    def sigma(self, grey_levels: float, /) -> tuple[float, ...]:
        """What a standard deviation in grey levels amounts to in each channel."""


@dataclass(frozen=True)
class GrowthProbe:
    """Probes a unit of some layers on one photo, every so many iterations.

    Attributes:
        every: iterations between probes; iteration 0 is the untrained model.
        layer: module path; several, with commas between.
        photo: that is looked at.
        folder: gets one result an iteration, named after it; of several layers in a folder each.
        settings: of the noise, but for its sigma.
        levels: standard deviation of the noise, grey levels.
        unit: ``center``, ``max``, ``ROW,COL`` or ``all``.

    Example:
        >>> photo = erf.read_photo("cat.jpg", (256, 256))                       # doctest: +SKIP
        >>> probe = erf.GrowthProbe(100, "fc7", photo, Path("probes"))          # doctest: +SKIP
        >>> parsenet.train_into("runs/late", look=probe.look)                   # doctest: +SKIP
    """

    every: int
    layer: str
    photo: Photo
    folder: Path
    settings: Noise = field(default_factory=lambda: Noise(patch=32, draws=2))
    levels: float = 25.0
    unit: str = "center"

    def __post_init__(self) -> None:
        """Refuse a unit that cannot be read, before anything is trained."""
        parse_unit(self.unit)

    def look(self, model: nn.Module, input_space: TakesPhotos, iteration: int) -> None:
        """Probe, if this iteration is one to look at and has not been looked at before.

        The model is handed back as found, so that a training goes on as if nobody had looked.

        Args:
            model: as it is now.
            input_space: of the model.
            iteration: how many updates were made.
        """
        name = f"iteration-{iteration:06d}.zarr"
        layers = self.layer.split(",")
        folders = {each: self.folder / each if len(layers) > 1 else self.folder for each in layers}
        asked = [layer for layer in layers if not (folders[layer] / name).exists()]
        if iteration % self.every or not asked:
            return
        image = input_space.tensor(self.photo.levels)
        subject = Subject(model, image, f"iteration {iteration}", photo=self.photo)
        settings = replace(self.settings, sigma=input_space.sigma(self.levels))
        found = subject.probe(asked, settings, unit=parse_unit(self.unit))
        for layer, result in found.items():
            save(result, folders[layer] / name)


def read_growth(run: Path) -> list[tuple[int, UnitResult | LayerResult]]:
    """The results in a folder with their iterations, the last number of each one's path.

    Raises:
        StoreError: when a result's path has no number, or one cannot be read.
    """
    found = []
    for path in find_results(run):
        numbers = re.findall(r"\d+", str(path.relative_to(run).with_suffix("")))
        if not numbers:
            raise StoreError(f"{path}: its path names no iteration, such as 200.zarr")
        found.append((int(numbers[-1]), open_result(path)))
    return found
