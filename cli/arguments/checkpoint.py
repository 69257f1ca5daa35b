"""Naming a trained checkpoint on the command line: a file, or one that is shipped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parsenet import Checkpoint

CHECKPOINT_HELP = (
    "CHECKPOINT is a .safetensors file of `erf train`, or one shipped with this package: none, "
    "early, late."
)


def open_checkpoint(text: str) -> Checkpoint:
    """Read the checkpoint that a user means, onto the CPU.

    Raises:
        parsenet.CheckpointError: when it cannot be read.
    """
    from parsenet import load_checkpoint
    from parsenet.shipment import SHIPPED, shipped

    return load_checkpoint(shipped(text) if text in SHIPPED else Path(text))
