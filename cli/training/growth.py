"""Probing a model while it is trained, so that the growth of its field can be drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from parsenet.input_space import InputSpace

PATCH, DRAWS, SIGMA = 32, 2, 25.0


@dataclass(frozen=True)
class GrowthProbe:
    """Probes the centre unit of a layer on one photo, every so many iterations.

    Attributes:
        every: iterations between probes; iteration 0 is the untrained model.
        layer: module path.
        size: side of the photo, pixels.
        folder: gets one result an iteration, named after it.
    """

    every: int
    layer: str
    size: int
    folder: Path

    def look(self, model: nn.Module, input_space: InputSpace, iteration: int) -> None:
        """Probe, if this iteration is one to look at and has not been looked at before.

        The model is handed back as found, so that a training goes on as if nobody had looked.
        """
        place = self.folder / f"iteration-{iteration:06d}.zarr"
        if iteration % self.every or place.exists():
            return
        import erf
        from cli.arguments.picture import PHOTO, load_picture

        picture = load_picture(None, (self.size, self.size))
        subject = erf.Subject(
            model,
            input_space.tensor(picture),
            f"iteration {iteration}",
            image_name=PHOTO,
            picture=picture,
        )
        noise = erf.Noise(patch=PATCH, draws=DRAWS, sigma=input_space.sigma(SIGMA))
        erf.save(subject.probe(self.layer, noise), place)
