"""How the layers begin that no trained weights were found for."""

from collections.abc import Collection
from typing import Literal

import torch
from torch import nn

from parsenet.convolution import ScoreConv


def start_classifiers(
    model: nn.Module, init: Literal["xavier", "zero"], *, loaded: Collection[str] = ()
) -> None:
    """Draw the score layers anew ("xavier", from PyTorch's random numbers) or set them to zero.

    Args:
        model: changed in place.
        init: see the recipe's ``classifier_init``.
        loaded: names of parameters that have trained weights; layers with one are left alone.
    """
    for name, module in model.named_modules():
        if isinstance(module, ScoreConv) and f"{name}.weight" not in loaded:
            module.reset_parameters()
            if init == "zero":
                with torch.no_grad():
                    module.weight.zero_()
