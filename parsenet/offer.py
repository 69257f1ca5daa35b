"""What this package offers by name to whoever asks for models (entry point ``erf.models``).

Shipped checkpoints (``none``, ``early``, ``late``), files of trainings, and the networks with
random weights (``parsenet``, ``fcn32s``, ...). A training's folder is its last model: the
checkpoint, or the last snapshot before there is one; ``FOLDER@best`` and ``FOLDER@1200`` are its
snapshots. ``begin`` fills one of the networks with weights of somebody else's.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from parsenet.checkpoint import is_checkpoint, load_checkpoint, read_metadata
from parsenet.errors import CheckpointError
from parsenet.input_space import IMAGENET, InputSpace
from parsenet.pretrained import convert
from parsenet.pretrained.conversion import SCORES
from parsenet.pretrained.spaces import named_space
from parsenet.shipment import SHIPPED, shipped
from parsenet.training.configuration import CONFIG
from parsenet.training.snapshot import BEST, snapshots
from parsenet.variants import VARIANTS, build


@dataclass(frozen=True, eq=False)
class Offered:
    """A model in evaluation mode, its name and what it takes in.

    ``random`` says whether its weights are, None where some of them are; ``notes`` what a user
    should know.
    """

    model: nn.Module
    name: str
    input_space: InputSpace
    random: bool | None
    notes: tuple[str, ...] = ()


def names() -> list[str]:
    """Return what can be named besides files."""
    return [*SHIPPED, *(name for name, variant in VARIANTS.items() if variant.offered)]


def load(name: str) -> Offered | None:
    """Return the model of this name, or None if it is none of ours.

    Raises:
        CheckpointError: if it is a checkpoint of ours that cannot be read.
    """
    path, shown = Path(name), None
    folder, _, which = name.rpartition("@")
    if name in SHIPPED:
        path, shown = shipped(name), f"parsenet-{name}"
    elif (path / CONFIG).is_file():  # any other folder may bear the name of a model
        path = _of_run(path)
    elif which and not path.exists() and (Path(folder) / CONFIG).is_file():
        path, shown = _snapshot(Path(folder), which), f"{Path(folder).resolve().name}@{which}"
    elif name in VARIANTS and VARIANTS[name].offered:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return Offered(build(name).eval(), name, IMAGENET, random=True)
    if path.suffix != ".safetensors" or not path.is_file():
        return None
    if name not in SHIPPED and not is_checkpoint(read_metadata(path)):
        return None
    found = load_checkpoint(path)
    return Offered(found.model, shown or path.stem, found.input_space, random=False)


def begin(name: str, file: str, space: str = "") -> Offered | None:
    """Return a network around weights of any layout that is known, or None if it is none of ours.

    Its size and number of classes are the file's. Layers that the file lacks are random, always the
    same; the notes say which they are, and what became of each tensor.

    Args:
        name: of a network whose weights come in files of others: parsenet, fcn32s, ..., vgg16.
        file: what ``load_weights`` takes, such as a ``.caffemodel``.
        space: what the weights take in, one of ``SPACES``; empty: what is usual for them.

    Raises:
        WeightsError: if it cannot be read, or nothing in it fits.

    Example:
        >>> begin("resnet50", "VGG_VOC2012ext.caffemodel") is None
        True
    """
    if name not in SCORES:
        return None
    found = convert(file, name, input_space=named_space(space) if space else None, gaps=True)
    fresh = found.transplant.fresh
    return Offered(
        found.checkpoint.model,
        f"{name}-{Path(file).stem}",
        found.checkpoint.input_space,
        random=None if fresh else False,
        notes=(found.transplant.report(), *found.notes),
    )


def _of_run(folder: Path) -> Path:
    """Return the checkpoint that a training left in its folder, or its last snapshot so far."""
    taken = snapshots(folder)
    ended = [each for each in folder.glob("*.safetensors") if each not in (*taken, folder / BEST)]
    if len(ended) == 1:
        return ended[0]
    if ended or not taken:
        what = "several checkpoints" if ended else "not ended: it has no checkpoint or snapshot yet"
        raise CheckpointError(f"{folder}: this training has {what}")
    return taken[-1]


def _snapshot(folder: Path, which: str) -> Path:
    """Return one of a training's snapshots: ``last``, ``best``, or that of an iteration.

    Raises:
        CheckpointError: if there is no such snapshot; it names those that there are.
    """
    if which == "last":
        return _of_run(folder)
    known = {str(int(path.stem.rpartition("-")[2])): path for path in snapshots(folder)}
    if (folder / BEST).is_file():
        known["best"] = folder / BEST
    if which not in known:
        there = ", ".join(known) or "none"
        raise CheckpointError(f"{folder}: has no snapshot {which!r}; there are {there}")
    return known[which]
