"""All that a person says of a model besides its name, as text, and the model that it comes to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from erf.errors import SourceError
from erf.layer_name import with_grid
from erf.model.reading import reading
from erf.sources.factory import find_object
from erf.sources.given import read_inputs
from erf.sources.input_space import IMAGENET, InputSpace
from erf.sources.load import load_model
from erf.sources.loaded import LoadedModel
from erf.sources.offers import Init
from erf.sources.source import read_arguments
from erf.stimulus import hash_source


@dataclass(frozen=True)
class Choice:
    """What was said of a model; as of `load_model`, but for texts.

    Attributes:
        weights, partial, device, dtype: as of `load_model`.
        init, init_input: file and word of an `Init`, instead of weights.
        model_args: ``NAME=VALUE`` each, for building it.
        mean, std, largest, channels: as of `InputSpace.read`.
        inputs: ``NAME=FILE`` each, see `read_inputs`.

    Example:
        >>> Choice(dtype="float64").load("resnet18").model.conv1.weight.dtype
        torch.float64
    """

    weights: str | None = None
    partial: bool = False
    model_args: tuple[str, ...] = ()
    mean: str | None = None
    std: str | None = None
    largest: float = 255.0
    channels: str = "rgb"
    device: str | None = None
    dtype: str | None = None
    inputs: tuple[str, ...] = ()
    init: str | None = None
    init_input: str | None = None

    @property
    def filling(self) -> str | Init | None:
        """What fills the model.

        Raises:
            SourceError: when weights are said twice, or what they take in without any.
        """
        if self.init is None and self.init_input is not None:
            raise SourceError(f"--init-input {self.init_input} is of no weights: name --init too")
        if self.init is None:
            return self.weights
        if self.weights is not None:
            raise SourceError("--weights and --init both name weights: give one of them")
        return Init(self.init, self.init_input or "")

    @property
    def input_space(self) -> InputSpace | None:
        """What was said of what the model takes in; None if nothing."""
        return InputSpace.read(self.mean, self.std, largest=self.largest, channels=self.channels)

    def load(self, name: str, image_size: tuple[int, int] | None = None) -> LoadedModel:
        """Find the model, place it, and give it its inputs.

        Raises:
            SourceError: when it cannot be had, or a text cannot be read.
        """
        space = self.input_space
        given = read_inputs(self.inputs, space or IMAGENET, image_size)
        loaded = load_model(
            name,
            weights=self.filling,
            partial=self.partial,
            arguments=read_arguments(self.model_args),
            image_size=image_size,
            input_space=space,
            device=self.device,
            dtype=self.dtype,
        )
        if space is None and loaded.input_space != IMAGENET:  # photos among the inputs
            given = read_inputs(self.inputs, loaded.input_space, image_size)
        return replace(loaded, inputs=given)


@dataclass(frozen=True)
class LayerChoice:
    """What was said of a layer: its name, the grid of its tokens, the function that reads it.

    Attributes:
        layer: its name, None where none was said.
        grid: (rows, cols) of its tokens.
        prefix: tokens before those.
        reading: ``file.py:function`` or ``package.module:function``, which makes a map of it.
    """

    layer: str | None = None
    grid: tuple[int, int] | None = None
    prefix: int | None = None
    reading: str | None = None

    @property
    def of_one(self) -> bool:
        """Whether something was said that has a meaning of one layer alone."""
        return (self.grid, self.prefix, self.reading) != (None, None, None)

    @contextmanager
    def read(
        self, loaded: LoadedModel, usual: str = "", size: tuple[int, int] | None = None
    ) -> Iterator[tuple[LoadedModel, str]]:
        """The model, and the full name of the layer, by which it can be asked within.

        Args:
            loaded: the model.
            usual: layer that is asked where none was said and the model has it.
            size: of the images, to tell which layers make sense to ask about.

        Raises:
            LayerError: when tokens before a grid are said, and no grid.
            SourceError: when no layer was said, with those that make sense to ask about; or when
                the function cannot be had.
        """
        if self.layer is None and usual not in dict(loaded.model.named_modules()):
            names = ", ".join(loaded.first_layers(size))
            raise SourceError(f"name a layer of {loaded.name} with --layer, such as {names}")
        name = with_grid(usual if self.layer is None else self.layer, self.grid, self.prefix)
        if self.reading is None:
            yield loaded, name
            return
        function = find_object(self.reading)
        with reading(loaded.model, name, function) as full:
            known = {"function": self.reading, "source_sha256": hash_source(function)}
            yield replace(loaded, reading=known), full
