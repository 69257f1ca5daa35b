"""How long the features are that a network fuses, before and after it normalises them."""

from contextlib import ExitStack

import numpy as np
from jaxtyping import Float, Float64, UInt8
from torch import Tensor

from parsenet.backbone import BackboneParseNet
from parsenet.branching import CONTEXT
from parsenet.checkpoint import Checkpoint
from parsenet.errors import ModelError
from parsenet.fcn import FCN
from parsenet.l2norm import L2Norm
from parsenet.net import ParseNet
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

    Of a network that normalises nothing: of each feature that it fuses or scores, as it is.

    Args:
        checkpoint: a ParseNet, on any backbone, or an FCN; left as found.
        picture: RGB, grey levels 0..255.
        positions: how many, sampled without replacement; all if there are fewer.
        seed: of the sample.

    Returns:
        Before and after, by the name of what is normalised; the same positions in both. Nothing
        after, where nothing is normalised.

    Raises:
        ModelError: if the network normalises nothing, and its features are not known.
    """
    rng = np.random.default_rng(seed)
    before: Norms = {}
    after: Norms = {}
    pairs = _normalisations(checkpoint, picture) or _features(checkpoint, picture)
    for name, blobs in pairs.items():
        count = blobs[0].shape[-2] * blobs[0].shape[-1]
        chosen = rng.choice(count, min(positions, count), replace=False)
        for norms, blob in zip((before, after), blobs, strict=False):
            norms[name] = blob[0].double().norm(dim=0).flatten().cpu().numpy()[chosen]
    return before, after


def _features(
    checkpoint: Checkpoint, picture: UInt8[np.ndarray, "rows cols 3"]
) -> dict[str, tuple[Float[Tensor, "1 c h w"]]]:
    """Return the features that a network fuses or scores, by their layers."""
    model = checkpoint.model
    if isinstance(model, ParseNet | BackboneParseNet):
        layers, local = tuple({branch.source for branch in model.branches}), model.local
    elif isinstance(model, FCN):
        layers = local = model.scored
    else:
        raise ModelError(
            f"{type(model).__name__} normalises no feature, and it is not known what it fuses"
        )
    with inference(model) as device:
        image = checkpoint.input_space.tensor(picture)[None].to(device)
        blobs = model.trunk(image, *layers)
    found = {name: (blobs[name],) for name in local}
    if isinstance(model, ParseNet | BackboneParseNet) and model.context is not None:
        found[CONTEXT] = (blobs[model.context].mean(dim=(2, 3), keepdim=True),)
    return found


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
    return found
