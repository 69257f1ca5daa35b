"""How long features are before and after a network normalises them."""

from contextlib import ExitStack

import numpy as np
from jaxtyping import Float, Float64, UInt8
from torch import Tensor

from parsenet.checkpoint import Checkpoint
from parsenet.errors import ModelError
from parsenet.l2norm import L2Norm
from parsenet.prediction import inference

Norms = dict[str, Float64[np.ndarray, " positions"]]


def feature_norms(
    checkpoint: Checkpoint,
    picture: UInt8[np.ndarray, "rows cols 3"],
    *,
    positions: int = 200,
    seed: int = 0,
) -> tuple[Norms, Norms]:
    """Return L2 norms over channels of what goes into each normalisation, and of what comes out.

    Args:
        checkpoint: a network with ``L2Norm`` modules; left as found.
        picture: RGB, grey levels 0..255.
        positions: how many, sampled without replacement; all if there are fewer.
        seed: of the sample.

    Returns:
        Before and after, by the name of what is normalised; the same positions in both.

    Raises:
        ModelError: if the network normalises nothing.
    """
    rng = np.random.default_rng(seed)
    before: Norms = {}
    after: Norms = {}
    for name, (raw, normalized) in _normalisations(checkpoint, picture).items():
        count = raw.shape[-2] * raw.shape[-1]
        chosen = rng.choice(count, min(positions, count), replace=False)
        before[name], after[name] = (
            each[0].double().norm(dim=0).flatten().cpu().numpy()[chosen]
            for each in (raw, normalized)
        )
    return before, after


def _normalisations(
    checkpoint: Checkpoint, picture: UInt8[np.ndarray, "rows cols 3"]
) -> dict[str, tuple[Float[Tensor, "1 c h w"], Float[Tensor, "1 c h w"]]]:
    """Return what goes into and comes out of each ``L2Norm`` for one picture."""
    found: dict[str, tuple[Tensor, Tensor]] = {}
    with ExitStack() as hooks, inference(checkpoint.model) as device:
        for name, module in checkpoint.model.named_modules():
            if isinstance(module, L2Norm):

                def keep(
                    _: object,
                    inputs: tuple[Tensor],
                    output: Tensor,
                    name: str = name.removesuffix("_norm"),
                ) -> None:
                    found[name] = (inputs[0], output)

                handle = module.register_forward_hook(keep)
                hooks.callback(handle.remove)
        checkpoint.model(checkpoint.input_space.tensor(picture)[None].to(device))
    if not found:
        raise ModelError("the network normalises no feature: train it with normalize=True")
    return found
