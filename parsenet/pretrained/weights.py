"""Trained tensors under this package's names, with the input they were trained on."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from parsenet.input_space import InputSpace
from parsenet.vgg16 import STAGES

CONVOLUTIONS = tuple(
    f"conv{number}_{index}"
    for number, stage in enumerate(STAGES, start=1)
    for index in range(1, len(stage) + 1)
)
FULLY_CONNECTED = ("fc6", "fc7")


@dataclass(frozen=True)
class Weights:
    """Trained tensors, and what they take in.

    Attributes:
        source: where they come from, for messages.
        tensors: by name in the state dict of ``VGG16`` (``conv1_1.conv.weight``, ``fc6.conv.bias``,
            ``conv1_1.norm.running_mean``), shaped as at their source; others under their own names.
        input_space: mean, scale and channel order of the images they were trained on.
        stated: whether somebody has said so, rather than the names of the tensors.
    """

    source: str
    tensors: Mapping[str, Tensor]
    input_space: InputSpace
    stated: bool = False
