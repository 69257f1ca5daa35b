"""Is the global context used? The pooled vector of a photo, and another one put in its place.

A network that fuses context reads, beside its local features, one vector: the mean of a layer over
the whole photo (``pool6_1x1``). Given that of another photo, or the mean of all, a network that
uses it calls pixels otherwise; one that does not calls them the same.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from parsenet.branching import CONTEXT
from parsenet.errors import ModelError

Source = Literal["own", "swapped", "mean"]
WAYS = ("both", "context", "local")
SOURCES: tuple[str, ...] = get_args(Source)


def pooling(model: nn.Module) -> nn.Module:
    """Return the module whose output is the pooled vector.

    Raises:
        ModelError: if the network pools none.
    """
    found = dict(model.named_modules()).get(CONTEXT)
    if found is None:
        raise ModelError(f"the network has no global context: no layer {CONTEXT!r}")
    return found


@contextmanager
def listening(model: nn.Module) -> Iterator[list[Float[Tensor, "n channels 1 1"]]]:
    """Yield a list to which the pooled vectors of every pass are added."""
    heard: list[Tensor] = []
    handle = pooling(model).register_forward_hook(lambda _m, _i, out: heard.append(out.detach()))
    try:
        yield heard
    finally:
        handle.remove()


@contextmanager
def given(model: nn.Module, vector: Float[Tensor, "channels 1 1"]) -> Iterator[None]:
    """Let a network read this pooled vector, whatever the photo; the hook is removed after."""
    handle = pooling(model).register_forward_hook(lambda _m, _i, out: vector.to(out).expand_as(out))
    try:
        yield
    finally:
        handle.remove()


def vector_for(
    photo: int, vectors: Float[Tensor, "photos channels 1 1"], source: str
) -> Float[Tensor, "channels 1 1"]:
    """Return the pooled vector that a photo is given.

    Args:
        photo: its place among all.
        vectors: of all photos.
        source: ``own``; ``swapped``, that of the photo half the data set away, so that of a video
            it is no neighbour's; or ``mean``, that of all.

    Raises:
        ModelError: if there is no such source, or no other photo.

    Example:
        >>> import torch
        >>> vectors = torch.tensor([1.0, 2.0, 6.0]).view(3, 1, 1, 1)
        >>> [vector_for(0, vectors, each).item() for each in ("own", "swapped", "mean")]
        [1.0, 2.0, 3.0]
    """
    if source not in SOURCES:
        raise ModelError(f"context must be one of {', '.join(SOURCES)}, not {source!r}")
    if source == "mean":
        return vectors.mean(dim=0)
    if source == "own":
        return vectors[photo]
    if len(vectors) < 2:
        raise ModelError("context cannot be swapped: there is but one photo")
    return vectors[(photo + len(vectors) // 2) % len(vectors)]


class HeldFusion(nn.Module):
    """A fusion of which some inputs are held as they were for one image, whatever comes in."""

    def __init__(self, fusion: nn.Module, held: Mapping[int, Float[Tensor, "1 c h w"]]) -> None:
        super().__init__()
        self.fusion = fusion
        self.places = tuple(held)
        for place, blob in held.items():
            self.register_buffer(f"held{place}", blob, persistent=False)

    def forward(self, maps: list[Float[Tensor, "n _ h w"]]) -> Float[Tensor, "n c h w"]:
        """Return the fusion of the maps, those that are held in the place of theirs."""
        taken = [
            self.get_buffer(f"held{k}").expand_as(each) if k in self.places else each
            for k, each in enumerate(maps)
        ]
        fused: Tensor = self.fusion(taken)
        return fused


def through(model: nn.Module, image: Float[Tensor, "3 height width"], way: str) -> nn.Module:
    """Return a copy of a network that an image's changes reach on one way alone.

    Probed, it says which patches a score hears through the pooled vector, and which directly.

    Args:
        model: with global context, early or late fusion.
        image: in the model's input space; of its size are all that the copy takes.
        way: ``context``, with the local features held as the image has them; ``local``, with the
            pooled vector held; or ``both``, nothing held.

    Raises:
        ModelError: if the network has no global context, or there is no such way.
    """
    pooling(model)
    if way not in WAYS:
        raise ModelError(f"through must be one of {', '.join(WAYS)}, not {way!r}")
    copy = deepcopy(model).eval()
    fusion = copy.get_submodule("fusion")
    heard: list[list[Tensor]] = []
    handle = fusion.register_forward_pre_hook(lambda _m, inputs: heard.append(list(inputs[0])))
    with torch.no_grad():
        copy(image[None])
    handle.remove()
    last = len(heard[0]) - 1  # the context is the last branch
    held = {"context": range(last), "local": [last], "both": []}[way]
    if held:
        copy.add_module("fusion", HeldFusion(fusion, {k: heard[0][k].clone() for k in held}))
    return copy


def shares(
    both: Float[np.ndarray, "*patches"],
    context: Float[np.ndarray, "*patches"],
    local: Float[np.ndarray, "*patches"],
) -> tuple[Float[np.ndarray, "*patches"], Float[np.ndarray, "*patches"]]:
    """Share out what patches change between the two ways, so that the shares add up to it.

    What a way changes alone, and what it adds to the other, are averaged (Shapley 1953): lengths of
    changes do not add up themselves. A share is below 0 where the way undoes the other's change.

    Args:
        both, context, local: discrepancies, with the same draws, of the three ways.

    Returns:
        What comes by way of the context, and what directly.

    Example:
        >>> import numpy as np
        >>> shares(np.array([5.0]), np.array([4.0]), np.array([3.0]))
        (array([3.]), array([2.]))
    """
    return (context + both - local) / 2, (local + both - context) / 2
