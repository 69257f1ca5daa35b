"""What a name leads to: a model, and how it wants its images."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from torch import nn

from erf.model import hash_weights, layers, stages
from erf.photo import Photo
from erf.sources.input_space import InputSpace
from erf.subject import Subject


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model, its name, and how it wants its images.

    Attributes:
        model: in evaluation mode, on the CPU.
        name: for tables and provenance.
        input_space: mean, standard deviation and channel order.
        random: whether its weights are random; None where that is not known, as of a model that a
            function of the user's built.
        size: (rows, cols), where the model takes images of this size alone; else None.
        notes: what a user should know, a sentence each.
        chance: what becomes of a model that gives other numbers for the same image, see
            `erf.Subject`.
    """

    model: nn.Module
    name: str
    input_space: InputSpace
    random: bool | None
    size: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()
    chance: Literal["refuse", "fixed"] = "refuse"

    @property
    def label(self) -> str:
        """Its name, and whether its weights are random."""
        weights = {True: "random weights", False: "trained", None: "weights as given"}
        return f"{self.name} ({weights[self.random]})"

    @property
    def weights_sha256(self) -> str:
        """Over names, types, shapes and bytes of all parameters and buffers."""
        return hash_weights(self.model)

    def subject(self, photo: Photo, former: Subject | None = None) -> Subject:
        """The model on a photo; of a former subject's size, it shares the export."""
        image = self.input_space.tensor(photo.levels)
        if former is not None:
            return former.on(image, photo=photo)
        return Subject(
            self.model, image, self.name, photo=photo, random=self.chance, facts=self.facts
        )

    def first_layers(self, size: tuple[int, int] | None = None) -> list[str]:
        """The layers that make sense to ask about first, on an image of this size."""
        found = layers(self.model, size or self.size or (224, 224), self.input_space.channels)
        return [layer.name for layer in stages(found)]

    @property
    def facts(self) -> dict[str, Any]:
        """What a result records of the model, JSON-compatible."""
        space = {name: value for name, value in asdict(self.input_space).items() if name != "known"}
        return {"random": self.random, "input_space": space}
