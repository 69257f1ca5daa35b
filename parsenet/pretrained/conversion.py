"""A network of others as a checkpoint of this package: the same outputs from the same weights."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from parsenet.checkpoint import Checkpoint
from parsenet.datasets import pascal_context, sift_flow, voc2012
from parsenet.errors import WeightsError
from parsenet.input_space import InputSpace
from parsenet.pretrained.files import load_weights
from parsenet.pretrained.surgery import fit_names
from parsenet.pretrained.transplantation import Transplant, transplant
from parsenet.pretrained.weights import CONVOLUTIONS, FULLY_CONNECTED
from parsenet.variants import VARIANTS, build

CLASSES: Mapping[int, tuple[str, ...]] = {
    len(names): names
    for names in (
        voc2012.CLASSES,
        ("background", *pascal_context.CLASSES),
        pascal_context.CLASSES,
        sift_flow.CLASSES,
    )
}
"""The classes of the released networks, by how many scores they have."""

SCORES: Mapping[str, str] = {
    "parsenet": "fc7_norm_score",
    "fcn32s": "score_fr",
    "fcn16s": "score_fr",
    "fcn8s": "score_fr",
    "vgg16": "fc8",
}
"""The layer of each variant that says how many classes there are."""

TRUNK = frozenset(f"{blob}.conv" for blob in (*CONVOLUTIONS, *FULLY_CONNECTED))


@dataclass(frozen=True, eq=False)
class Conversion:
    """A checkpoint, and what became of each tensor of the file that it is made of."""

    checkpoint: Checkpoint
    transplant: Transplant

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of it, a line each."""
        layers = dict.fromkeys(name.rpartition(".")[0] for name in self.transplant.fresh)
        trunk = [each.removesuffix(".conv") for each in layers if each in TRUNK]
        scores = [each for each in layers if "score" in each or "fc8" in each]
        said = {
            "random, so is what they answer, and all after them": trunk,
            "as built, not trained: probe the features, the scores mean nothing": scores,
        }
        return tuple(f"{', '.join(names)}: {words}" for words, names in said.items() if names)


def convert(
    source: str | Path,
    variant: str,
    *,
    input_space: InputSpace | None = None,
    gaps: bool = False,
) -> Conversion:
    """Build a variant around the weights of a file, its size and options taken from them.

    The model takes in what the weights take in, in their channel order: no weight is changed but in
    form.

    Args:
        source: what ``load_weights`` takes, such as a ``.caffemodel``.
        variant: parsenet, fcn32s, fcn16s, fcn8s or vgg16.
        input_space: what the weights were trained on, where it is not usual for such a file.
        gaps: whether a layer of the network's trunk may be missing; it is then random.

    Raises:
        WeightsError: if it cannot be read, or a layer of the network's trunk is not in it.
        ModelError: if there is no such variant.
    """
    VARIANTS.find(variant)
    if variant not in SCORES:
        raise WeightsError(f"{variant} is made from no file; there are {', '.join(SCORES)}")
    weights = load_weights(source, input_space=input_space)
    classes, options = _read_off(weights.tensors, variant, weights.source)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build(variant, classes=len(classes), **options)
    space = weights.input_space
    planted = transplant(model, weights, channel_order=space.channel_order)
    if not gaps:
        _refuse_gaps(planted)
    training = {
        "converted_from": Path(weights.source).name,
        "left_as_built": sorted(planted.fresh),
        "sha1": _sha1(Path(source)),
    }
    checkpoint = Checkpoint(
        variant,
        options,
        classes,
        space.mean,
        space.std,
        space.channel_order,
        training,
        model=model.eval(),
    )
    return Conversion(checkpoint, planted)


def _read_off(
    tensors: Mapping[str, Tensor], variant: str, source: str
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the classes and options of the network that some tensors are of."""
    first = tensors.get("conv1_1.conv.weight")
    if first is None:
        raise WeightsError(f"{source}: has no conv1_1")
    options: dict[str, Any] = {}
    if (width := len(first) / 64) != 1:
        options["width"] = width
    fc6 = tensors.get("fc6.conv.weight")
    full = fc6 is None or fc6.ndim == 2 or fc6.shape[-1] == 7
    score = f"{SCORES[variant]}.weight"
    named = fit_names(tensors, {score: (), "fc7_score.weight": ()})
    if variant == "vgg16" and not full:
        options["fc6"] = "reduced"
    if variant == "parsenet":
        options |= {"fc6": "full", "stride": 32} if full and fc6 is not None else {}
        options["normalize"] = "fc7_score.weight" not in named
        pooled = any(name.startswith("pool6_1x1") for name in tensors)
        scored = bool(named.keys() & {score, "fc7_score.weight"})
        options["fusion"] = "none" if scored and not pooled else "late"
        score = score if options["normalize"] else "fc7_score.weight"
    count = len(named[score]) if score in named else (1000 if variant == "vgg16" else 21)
    return CLASSES.get(count, tuple(f"class {k}" for k in range(count))), options


def _refuse_gaps(planted: Transplant) -> None:
    """Refuse a file that lacks layers of the trunk: its features would be noise."""
    for name, reason in planted.fresh.items():
        if name.rpartition(".")[0] in TRUNK:
            raise WeightsError(
                f"{planted.source}: {name.replace('.conv', '')} is {reason}: no part of the "
                "network's trunk may be missing"
            )


def _sha1(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha1").hexdigest()
