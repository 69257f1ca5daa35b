"""A frozen trunk, whose features are computed once: what of a network is not trained."""

import hashlib
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from parsenet.atomic import whole_file
from parsenet.backbone import BackboneParseNet
from parsenet.errors import ModelError
from parsenet.vgg16 import VGG16

Trunked = VGG16 | BackboneParseNet

RESERVE = 2 * 2**30
"""Bytes that are left free on a disk."""


class FeatureWarning(UserWarning):
    """Features are computed anew, because they cannot be kept."""


def trunk_layers(model: nn.Module) -> tuple[str, ...]:
    """Return the children that make features, before any score.

    Raises:
        ModelError: if the network is none of this package's, which have a trunk.
    """
    if isinstance(model, VGG16):
        return tuple(layer.name for layer in model.plan)
    if isinstance(model, BackboneParseNet):
        return ("backbone",)
    raise ModelError(
        f"{type(model).__name__} has no trunk that is known: freeze its layers yourself"
    )


def freeze_trunk(model: nn.Module) -> None:
    """Let a network learn from its trunk on: that is neither updated nor in training mode.

    So it drops nothing out, and batch norm in it keeps its statistics. In place.

    Raises:
        ModelError: see ``trunk_layers``.
    """
    for name in trunk_layers(model):
        model.get_submodule(name).eval().requires_grad_(False)


@contextmanager
def kept_features(model: nn.Module, folder: Path) -> Iterator[None]:
    """Keep what the frozen trunk of a model in training computes, and take it from there again.

    A file an image, named by the hashes of the trunk's weights and of the image as it goes in: what
    lies there is right whoever wrote it, and a folder can serve many trainings. In evaluation mode
    nothing is kept. Where the disk is nearly full nothing more is, with a ``FeatureWarning``.

    Args:
        model: with a frozen trunk; borrowed.
        folder: of the files; made if it is not there.

    Raises:
        ModelError: if the trunk is not frozen, or there is none.
    """
    layers = [model.get_submodule(name) for name in trunk_layers(model)]
    if any(p.requires_grad for layer in layers for p in layer.parameters()):
        raise ModelError("features of a trunk that is trained change: freeze it first")
    assert isinstance(model, Trunked)
    object.__setattr__(model, "trunk", _KeptTrunk(model, folder, _digest(layers)))
    try:
        yield
    finally:
        object.__delattr__(model, "trunk")


class _KeptTrunk:
    """Stands in for a model's ``trunk`` and looks at the disk first."""

    def __init__(self, model: Trunked, folder: Path, weights: str) -> None:
        self.model, self.folder, self.weights = model, folder, weights
        self.compute = model.trunk
        self.full = False

    def __call__(self, image: Float[Tensor, "n 3 rows cols"], *keep: str) -> dict[str, Tensor]:
        if not self.model.training:
            return self.compute(image, *keep)
        with torch.no_grad():
            parts = [self._one(image[k : k + 1], keep) for k in range(len(image))]
        # As convolutions leave them in training; a file has lost that, and sums would round anew.
        joined = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        form = torch.channels_last
        return {name: blob.contiguous(memory_format=form) for name, blob in joined.items()}

    def _one(self, image: Float[Tensor, "1 3 rows cols"], keep: tuple[str, ...]) -> Any:
        reduced = str(torch.is_autocast_enabled(image.device.type))
        key = _hashed(self.weights, reduced, *sorted(set(keep)), tensors=[image])
        path = self.folder / key[:2] / f"{key}.safetensors"
        if path.exists():
            try:
                return load_file(path, device=str(image.device))
            except (OSError, SafetensorError):
                path.unlink(missing_ok=True)
        found = {name: blob.contiguous() for name, blob in self.compute(image, *keep).items()}
        self._keep(found, path)
        return found

    def _keep(self, found: dict[str, Tensor], path: Path) -> None:
        if self.full:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(path.parent).free < RESERVE:
                raise OSError(f"fewer than {RESERVE >> 30} GiB are free")
            with whole_file(path) as staging:
                save_file(found, staging)
        except OSError as error:
            self.full = True
            warnings.warn(
                f"{self.folder}: no more features are kept: {error}", FeatureWarning, stacklevel=2
            )


def _digest(layers: list[nn.Module]) -> str:
    state = [tensor for layer in layers for tensor in layer.state_dict().values()]
    return _hashed(tensors=state)


def _hashed(*words: str, tensors: list[Tensor]) -> str:
    """Return the SHA-256 of words, and of the form and bytes of tensors."""
    found = hashlib.sha256("\0".join(words).encode())
    for tensor in tensors:
        plain = tensor.detach().cpu().contiguous()
        found.update(f"{plain.dtype} {tuple(plain.shape)}".encode())
        found.update(plain.flatten().view(torch.uint8).numpy().data)
    return found.hexdigest()
