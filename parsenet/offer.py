"""What this package offers by name to whoever asks for models (entry point ``erf.models``).

Shipped checkpoints (``none``, ``early``, ``late``), files and folders of trainings, and the
networks with random weights (``parsenet``, ``fcn32s``, ...).
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from parsenet.checkpoint import is_checkpoint, load_checkpoint, read_metadata
from parsenet.errors import CheckpointError
from parsenet.input_space import IMAGENET, InputSpace
from parsenet.shipment import SHIPPED, shipped
from parsenet.variants import VARIANTS, build


@dataclass(frozen=True, eq=False)
class Offered:
    """A model in evaluation mode, its name, what it takes in, whether its weights are random."""

    model: nn.Module
    name: str
    input_space: InputSpace
    random: bool


def names() -> list[str]:
    """Return what can be named besides files."""
    return [*SHIPPED, *(name for name, variant in VARIANTS.items() if variant.offered)]


def load(name: str) -> Offered | None:
    """Return the model of this name, or None if it is none of ours.

    Raises:
        CheckpointError: if it is a checkpoint of ours that cannot be read.
    """
    path = Path(name)
    if name in SHIPPED:
        path = shipped(name)
    elif path.is_dir():
        path = _of_run(path)
    elif name in VARIANTS and VARIANTS[name].offered:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return Offered(build(name).eval(), name, IMAGENET, random=True)
    if path.suffix != ".safetensors" or not path.is_file():
        return None
    if name not in SHIPPED and not is_checkpoint(read_metadata(path)):
        return None
    found = load_checkpoint(path)
    shown = f"parsenet-{name}" if name in SHIPPED else path.stem
    return Offered(found.model, shown, found.input_space, random=False)


def _of_run(folder: Path) -> Path:
    """Return the checkpoint that a training left in its folder."""
    found = sorted(folder.glob("*.safetensors"))
    if not (folder / "config.toml").is_file():
        return folder
    if len(found) != 1:
        raise CheckpointError(f"{folder}: this training has not ended: it has no checkpoint yet")
    return found[0]
