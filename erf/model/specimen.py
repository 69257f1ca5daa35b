"""A model and an image on the bench: checked, exported and run clean once, then asked often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from erf.binding import bound
from erf.borrow import borrowed, placed_like
from erf.errors import ExportError, SettingError
from erf.graph import Graph, structure_of, try_graph_of
from erf.inputs import Inputs
from erf.model.listing import Layer, list_layers
from erf.model.observe import observe_maps
from erf.model.origin import describe, hash_weights
from erf.model.preflight import Preflight, fly, from_one_state
from erf.photo import Photo
from erf.scripted import open_to_hooks
from erf.theoretical.analyse import analyse
from erf.theoretical.field import TheoreticalField


class Specimen:
    """What every question about a model on an image needs, found out when first asked for.

    Args:
        model: any module that takes a batch of images; handed back exactly as found.
        image: (channels, rows, cols) in the model's input space; it is copied.
        name: of the model in tables and figures; its class by default.
        photo: the image as a person sees it, for figures, and how it was read.
        image_name: of the image in tables; the photo's by default.
        random: what becomes of a model that gives other numbers for the same image: ``refuse`` it,
            or take it ``fixed``, every pass with the same random numbers.
        graph: whether to export the model. Without a graph there are no theoretical fields and no
            delta engine, and four dimensions of a layer are read as (n, channels, rows, cols).
        facts: what else is to be recorded of the model, JSON-compatible.
        inputs: what the model takes beside the image, by the names of its parameters; see
            `erf.inputs.Inputs`.

    Raises:
        SettingError: when the image or the photo has another shape, or an input is none.
    """

    def __init__(
        self,
        model: nn.Module,
        image: Float[Tensor, "c h w"] | Float[np.ndarray, "c h w"],
        name: str | None = None,
        *,
        photo: Photo | None = None,
        image_name: str | None = None,
        random: Literal["refuse", "fixed"] = "refuse",
        graph: bool = True,
        facts: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Any] | Inputs | None = None,
    ) -> None:
        if random not in ("refuse", "fixed"):
            raise SettingError(f"random {random!r} is neither refuse nor fixed")
        given = torch.as_tensor(image)
        if given.ndim != 3:
            raise SettingError(
                f"image of shape {tuple(given.shape)} must be (channels, rows, cols)"
                + (": one image, not a batch" if given.ndim == 4 else "")
            )
        if photo is not None and photo.levels.shape != (*given.shape[1:], 3):
            raise SettingError(
                f"photo of shape {photo.levels.shape} must be RGB of the image's size "
                f"{tuple(given.shape[1:])}"
            )
        self.model, self.name, self.photo = open_to_hooks(model), name, photo
        self.image_name = photo.name if image_name is None and photo is not None else image_name
        self.facts, self.inputs = facts, Inputs.of(inputs)
        self.image = placed_like(self.model, given.detach()).clone()
        self.random = random
        self._exported = graph
        self._flown: tuple[object, Preflight] | None = None
        self._lent: Preflight | None = None
        self._theories: dict[str, TheoreticalField] = {}
        self._weights: tuple[object, str] | None = None
        self._seen: object = None

    @property
    def image_size(self) -> tuple[int, int]:
        """(rows, cols), pixels."""
        return self.image.shape[1], self.image.shape[2]

    @property
    def graph(self) -> Graph | ExportError | None:
        """Of the model; why there is none; None where none was asked for.

        It is exported anew when the model's structure changed since.
        """
        if not self._exported:
            return None
        with self.bound():
            found = try_graph_of(self.model, (1, *self.image.shape))
        if found is not self._seen:
            self._theories.clear()
            self._seen = found
        return found

    def preflight(self) -> Preflight:
        """Whether the model is a pure, finite function of one image, by three passes; once.

        Raises:
            ModelError: when the image, a weight, a buffer or an output is not finite, or the model
                is random and not taken ``fixed``; naming the first.

        Example:
            >>> import torch
            >>> Specimen(torch.nn.Conv2d(3, 4, 3), torch.randn(3, 16, 16)).preflight().alone
            False
        """
        if self._lent is not None:  # what gives it one state is a hook of ours, no other model
            return self._lent
        state = _versions(self.model)
        if self._flown is None or self._flown[0] != state:
            with self.bound():
                found = fly(self.model, self.image, fixed=self.random == "fixed")
            self._flown = _versions(self.model), found
        return self._flown[1]

    def bound(self) -> AbstractContextManager[None]:
        """The model with its other inputs filled in, so that it takes images alone."""
        return bound(self.model, self.image, self.inputs)

    @contextmanager
    def lent(self) -> Iterator[None]:
        """The model in evaluation mode, every pass from the same state; given back as found."""
        flight = self.preflight()
        with self.bound(), borrowed(self.model), from_one_state(self.model, flight):
            before, self._lent = self._lent, flight
            try:
                yield
            finally:
                self._lent = before

    def layers(self) -> list[Layer]:
        """The layers that can be asked about, in the order in which they finish."""
        graph = self.graph
        with self.bound():
            return list_layers(self.model, self.image, graph)

    def theory(self, layer: str) -> TheoreticalField:
        """The theoretical fields of a layer's units.

        Raises:
            ExportError: when the model has no graph.
            LayerError: when there is no such layer, or it does not depend on the image.
        """
        graph = self.graph
        if not isinstance(graph, Graph):
            raise graph or ExportError("the subject was made without a graph: graph=False")
        if layer not in self._theories:
            (self._theories[layer],) = analyse(graph, [layer])
        return self._theories[layer]

    def find_theory(self, layer: str) -> TheoreticalField | None:
        """The theoretical fields of a layer's units; None where the model has no graph."""
        return self.theory(layer) if isinstance(self.graph, Graph) else None

    def observe(self, layers: Sequence[str]) -> dict[str, Float[Tensor, "channels rows cols"]]:
        """Clean responses of layers as maps.

        Raises:
            LayerError: there is no such layer, or its output is not a map.
        """
        with self.lent():
            maps = observe_maps(self.model, self.image[None].clone(), layers, self.graph)
        return {layer: found[0] for layer, found in maps.items()}

    def origin(self) -> dict[str, Any]:
        """Model, weights, image, device and software, JSON-compatible."""
        state = _versions(self.model)
        if self._weights is None or self._weights[0] != state:
            self._weights = state, hash_weights(self.model)
        fixed = {"random_numbers": "fixed"} if self.preflight().random is not None else {}
        return describe(
            self.model,
            self.image,
            name=self.name,
            image_name=self.image_name,
            weights=self._weights[1],
            photo={} if self.photo is None else self.photo.source,
            facts={**(self.facts or {}), **fixed},
            inputs=self.inputs.describe(),
        )


def _versions(model: nn.Module) -> object:
    """Changes when a parameter or a buffer is written to, however it is done in place."""
    tensors = (*model.parameters(), *model.buffers())
    return structure_of(model), tuple(0 if t.is_inference() else t._version for t in tensors)
