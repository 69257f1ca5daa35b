"""Calling the class of every pixel of a whole image, at its own size."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor, nn

from parsenet.checkpoint import Checkpoint
from parsenet.errors import CheckpointError
from parsenet.input_space import InputSpace
from parsenet.modes import evaluating


@contextmanager
def inference(model: nn.Module) -> Iterator[torch.device]:
    """Borrow a model for predictions: evaluation mode, no gradients; its modules' modes return.

    Yields:
        The device of its weights.
    """
    with evaluating(model), torch.inference_mode():
        yield next(model.parameters()).device


def predict(
    model: nn.Module, image: UInt8[np.ndarray, "height width 3"], input_space: InputSpace
) -> Int64[Tensor, "height width"]:
    """Return the class of the highest score at each pixel, on the model's device.

    Args:
        model: image (n, 3, height, width) in, class scores of every pixel out.
        image: RGB, grey levels 0..255.
        input_space: what the model takes in.
    """
    with inference(model) as device:
        score = model(input_space.tensor(image)[None].to(device))
        return score[0].argmax(dim=0)


def call_pixels(
    checkpoints: Mapping[str, Checkpoint], image: UInt8[np.ndarray, "height width 3"]
) -> tuple[dict[str, Int64[np.ndarray, "height width"]], tuple[str, ...]]:
    """Return what each of several checkpoints calls the pixels of an image, and their classes.

    Raises:
        CheckpointError: if there is none, or one has other classes than the first.
    """
    if not checkpoints:
        raise CheckpointError("no checkpoint to call pixels by: name at least one")
    first, classes = next((name, each.classes) for name, each in checkpoints.items())
    for name, each in checkpoints.items():
        if each.classes != classes:
            raise CheckpointError(f"{name}: has other classes than {first}")
    called = {
        name: predict(each.model, image, each.input_space).cpu().numpy()
        for name, each in checkpoints.items()
    }
    return called, classes
