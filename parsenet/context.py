"""Is the global context used? The pooled vector of a photo, and another one put in its place.

A network that fuses context reads, beside its local features, one vector: the mean of a layer over
the whole photo (``pool6_1x1``). Given that of another photo, or the mean of all, a network that
uses it calls pixels otherwise; one that does not calls them the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, get_args

from jaxtyping import Float
from torch import Tensor, nn

from parsenet.errors import ModelError
from parsenet.net import CONTEXT

Source = Literal["own", "swapped", "mean"]
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
