"""What a name leads to: a model, and how it wants its images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jaxtyping import Float32
from torch import Tensor, nn

from erf.inputs import Inputs
from erf.model import Layer, hash_weights, layers, stages
from erf.photo import Photo
from erf.sources.input_space import InputSpace
from erf.subject import Subject
from erf.theoretical import TheoreticalField, theoretical_field, theory
from erf.theoretical.table import TheoryTable


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
        inputs: what the model is given beside the image.
        reading: the function of the user's that reads a layer, and its hash.
    """

    model: nn.Module
    name: str
    input_space: InputSpace
    random: bool | None
    size: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()
    chance: Literal["refuse", "fixed"] = "refuse"
    inputs: Inputs = field(default_factory=Inputs)
    reading: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Its name, and whether its weights are random."""
        weights = {True: "random weights", False: "trained", None: "weights as given"}
        return f"{self.name} ({weights[self.random]})"

    @property
    def weights_sha256(self) -> str:
        """Over names, types, shapes and bytes of all parameters and buffers."""
        return hash_weights(self.model)

    def image(self, photo: Photo) -> Float32[Tensor, "c h w"]:
        """A photo, or an image of other numbers, in the model's input space."""
        space = self.input_space
        return space.tensor(photo.levels) if photo.values is None else space.own(photo.values)

    def subject(self, photo: Photo, former: Subject | None = None) -> Subject:
        """The model on a photo; of a former subject's size, it shares the export."""
        image = self.image(photo)
        if former is not None:
            return former.on(image, photo=photo)
        return Subject(
            self.model,
            image,
            self.name,
            photo=photo,
            random=self.chance,
            facts=self.facts,
            inputs=self.inputs,
        )

    def first_layers(self, size: tuple[int, int] | None = None) -> list[str]:
        """The layers that make sense to ask about first, on an image of this size."""
        return [layer.name for layer in stages(self.layers(size or self.size or (224, 224)))]

    def layers(self, size: tuple[int, int], *, every: bool = False) -> list[Layer]:
        """The layers that can be asked about on an image of this size, as of `erf.layers`."""
        return layers(self.model, size, self.input_space.channels, inputs=self.inputs, every=every)

    def theory(self, size: tuple[int, int]) -> TheoryTable:
        """Theoretical fields of all layers on an image of this size, as of `erf.theory`."""
        channels = self.input_space.channels
        return theory(self.model, image_size=size, channels=channels, inputs=self.inputs)

    def field(
        self, layer: str, size: tuple[int, int], *, method: Literal["graph", "nan"] = "graph"
    ) -> TheoreticalField:
        """The theoretical field of a layer on an image of this size, as of that function."""
        return theoretical_field(
            self.model,
            layer,
            image_size=size,
            channels=self.input_space.channels,
            method=method,
            inputs=self.inputs,
        )

    @property
    def facts(self) -> dict[str, Any]:
        """What a result records of the model, JSON-compatible."""
        names = ("mean", "std", "channel_order")
        space = {name: getattr(self.input_space, name) for name in names}
        read = {"reading": dict(self.reading)} if self.reading else {}
        return {"random": self.random, "input_space": space, **read}
