"""Where a result comes from: software, weights and image, so that it can be made again."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor, nn


def software() -> dict[str, str]:
    """Versions of everything that decides a number."""
    packages = ("erf-probe", "torchvision", "numpy", "scipy", "zarr", "xarray")
    versions = {name: version(name) for name in packages}
    return {"python": platform.python_version(), "torch": torch.__version__, **versions}


def hash_weights(model: nn.Module) -> str:
    """SHA-256 over names, types, shapes and bytes of all parameters and buffers."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        if isinstance(tensor, Tensor):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            digest.update(_bytes(tensor))
    return digest.hexdigest()


def hash_image(image: Tensor) -> str:
    """SHA-256 over type, shape and bytes of an image in input space."""
    digest = hashlib.sha256(f"{image.dtype} {tuple(image.shape)}\n".encode())
    digest.update(_bytes(image))
    return digest.hexdigest()


def _bytes(tensor: Tensor) -> memoryview:
    """A tensor's memory in order, not copied where it lies so already."""
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data


def describe(
    model: nn.Module,
    image: Tensor,
    *,
    name: str | None,
    image_name: str | None,
    weights: str,
    photo: Mapping[str, Any],
    facts: Mapping[str, Any],
    inputs: Mapping[str, Any],
) -> dict[str, Any]:
    """The JSON-compatible origin of a result.

    Args:
        model: that was probed.
        image: in its input space, on its device.
        name: of the model in tables; its class by default.
        image_name: likewise.
        weights: `hash_weights` of the model.
        photo: how the image was read, empty where it came as a tensor.
        facts: what else is recorded of the model.
        inputs: what it was given beside the image.
    """
    return {
        "model": {
            "name": name or type(model).__name__,
            "class": f"{type(model).__module__}.{type(model).__qualname__}",
            "parameters": sum(p.numel() for p in model.parameters()),
            "weights_sha256": weights,
            **facts,
        },
        "image": {
            "name": image_name or "image",
            "sha256": hash_image(image),
            "size": list(image.shape[-2:]),
            **({"photo": dict(photo)} if photo else {}),
        },
        **({"inputs": dict(inputs)} if inputs else {}),
        "device": str(image.device),
        "dtype": str(image.dtype).removeprefix("torch."),
        "software": software(),
    }
