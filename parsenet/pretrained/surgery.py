"""Bringing trained tensors into the form that a model has: the arithmetic, layer by layer.

Each operation takes all tensors by name and the model's shapes by name, and returns what it makes
of them: nothing where nothing is to be done.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from parsenet.pretrained.weights import CONVOLUTIONS, FULLY_CONNECTED

Shapes = Mapping[str, tuple[int, ...]]

BATCH_NORM_EPSILON = 1e-5


@dataclass(frozen=True)
class Outcome:
    """What an operation makes: new tensors by name, and the names of those it has used up."""

    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    consumed: frozenset[str] = frozenset()


def fit_names(tensors: Mapping[str, Tensor], shapes: Shapes) -> dict[str, Tensor]:
    """Give score layers the model's names where theirs count the classes.

    ``upscore21`` of the released ParseNet is ``upscore`` here, ``score59`` of FCN's PASCAL-Context
    ``score_fr``, ``score_fr_sem`` of its SIFT Flow too.
    """
    return {_fitting(name, shapes): tensor for name, tensor in tensors.items()}


def _fitting(name: str, shapes: Shapes) -> str:
    layer, _, part = name.rpartition(".")
    if layer == "classifier.6" and f"fc8.{part}" in shapes:  # torchvision's name of it
        return f"fc8.{part}"
    if name in shapes or "score" not in layer:
        return name
    return next((f"{each}.{part}" for each in _plainer(layer) if f"{each}.{part}" in shapes), name)


def _plainer(layer: str) -> Iterator[str]:
    bare = re.sub(r"_sem$", "", re.sub(r"_?\d+(_?classes)?$", "", layer))
    yield bare
    if bare == "score":
        yield "score_fr"


def take_diagonals(tensors: Mapping[str, Tensor], shapes: Shapes) -> Outcome:
    """Take each channel's own filter from deconvolutions that do not mix channels.

    FCN's files hold its bilinear filters as a matrix of channels by channels, zero off the
    diagonal. One that does mix is left alone, and then does not fit.
    """
    made = {}
    for name, tensor in tensors.items():
        wanted = shapes.get(name)
        if wanted is None or tensor.ndim != 4 or tuple(tensor.shape) == wanted:
            continue
        count = len(tensor)
        if tensor.shape[1] != count or wanted != (count, 1, *tensor.shape[2:]):
            continue
        own = tensor.diagonal(dim1=0, dim2=1).permute(2, 0, 1)
        if int(tensor.count_nonzero()) == int(own.count_nonzero()):
            made[name] = own[:, None]
    return Outcome(made)


def reverse_channels(tensors: Mapping[str, Tensor], _shapes: Shapes) -> Outcome:
    """Reverse the input channels of conv1_1: BGR weights for an RGB image, and the other way."""
    name = "conv1_1.conv.weight"
    return Outcome({name: tensors[name].flip(1)} if name in tensors else {})


def convolutionalise(tensors: Mapping[str, Tensor], _shapes: Shapes) -> Outcome:
    """Turn fully connected layers into convolutions of the same numbers.

    fc6 reads the flattened pool5, channel by channel and row by row, and so becomes a 7x7
    convolution; fc7 and fc8 become 1x1 ones. Both torchvision and Caffe flatten in this order.
    """
    made = {}
    for name, taps in {"fc6.conv.weight": 7, "fc7.conv.weight": 1, "fc8.weight": 1}.items():
        weight = tensors.get(name)
        if weight is not None and weight.ndim == 2 and weight.shape[1] % taps**2 == 0:
            made[name] = weight.reshape(len(weight), -1, taps, taps)
    return Outcome(made)


def decimate(tensors: Mapping[str, Tensor], shapes: Shapes) -> Outcome:
    """Keep every fourth channel of fc6 and fc7 and every third tap of fc6: fc_reduced.

    This is how ParseNet's initial weights (``VGG_ILSVRC_16_layers_fc_reduced``) came from VGG-16;
    nothing is rescaled. With three times the dilation the kept taps of fc6 read what they read
    before.
    """
    fc6, fc7 = (f"{layer}.conv.weight" for layer in FULLY_CONNECTED)
    kept = {
        fc6: (slice(None, None, 4), slice(None), slice(None, None, 3), slice(None, None, 3)),
        fc7: (slice(None, None, 4), slice(None, None, 4)),
        "fc6.conv.bias": (slice(None, None, 4),),
        "fc7.conv.bias": (slice(None, None, 4),),
    }
    made = {name: tensors[name][cut] for name, cut in kept.items() if name in tensors}
    applies = fc6 in made and fc6 in shapes and tuple(made[fc6].shape) == shapes[fc6]
    return Outcome(made if applies else {})


def settle_batch_norm(tensors: Mapping[str, Tensor], shapes: Shapes) -> Outcome:
    """Fold batch norm into convolutions, or biases into batch norm, where only one side has it.

    In evaluation mode the function stays the same:
    - trained with batch norm, model without: the weight becomes ``w γ / s`` and the bias
      ``β + (b - μ) γ / s``, with ``s = sqrt(σ² + ε)``;
    - model with batch norm, whose convolutions have no bias: the bias goes into the mean,
      ``μ - b``; weights trained without batch norm get ``γ = 1, β = 0, μ = -b, σ² = 1 - ε``.
    """
    made: dict[str, Tensor] = {}
    consumed: set[str] = set()
    for layer in (*CONVOLUTIONS, *FULLY_CONNECTED):
        given = f"{layer}.norm.running_mean" in tensors
        wanted = f"{layer}.norm.running_mean" in shapes
        bias = tensors.get(f"{layer}.conv.bias")
        if wanted and bias is not None:
            made |= _bias_into_norm(tensors, layer, bias)
            consumed.add(f"{layer}.conv.bias")
        elif given and not wanted:
            made |= _norm_into_convolution(tensors, layer)
            consumed |= {name for name in tensors if name.startswith(f"{layer}.norm.")}
    return Outcome(made, frozenset(consumed))


def _bias_into_norm(tensors: Mapping[str, Tensor], layer: str, bias: Tensor) -> dict[str, Tensor]:
    mean = tensors.get(f"{layer}.norm.running_mean")
    if mean is not None:
        return {f"{layer}.norm.running_mean": mean - bias}
    return {
        f"{layer}.norm.weight": torch.ones_like(bias),
        f"{layer}.norm.bias": torch.zeros_like(bias),
        f"{layer}.norm.running_mean": -bias,
        f"{layer}.norm.running_var": torch.full_like(bias, 1 - BATCH_NORM_EPSILON),
    }


def _norm_into_convolution(tensors: Mapping[str, Tensor], layer: str) -> dict[str, Tensor]:
    gamma, beta, mean, variance = (
        tensors[f"{layer}.norm.{part}"]
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    weight = tensors[f"{layer}.conv.weight"]
    bias = tensors.get(f"{layer}.conv.bias", torch.zeros_like(mean))
    factor = gamma / (variance + BATCH_NORM_EPSILON).sqrt()
    return {
        f"{layer}.conv.weight": weight * factor.view(-1, *[1] * (weight.ndim - 1)),
        f"{layer}.conv.bias": beta + (bias - mean) * factor,
    }
