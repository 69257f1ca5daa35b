"""The trained checkpoints that come with the package."""

from importlib.resources import as_file, files
from pathlib import Path

from parsenet.checkpoint import Checkpoint, load_checkpoint
from parsenet.errors import CheckpointError

SHIPPED = ("none", "early", "late")
"""One for each fusion of a ParseNet of width 1/8, trained alike on the generated scenes."""


def open_checkpoint(name: str) -> Checkpoint:
    """Read a checkpoint onto the CPU: a shipped one by its name, or a file.

    Raises:
        CheckpointError: if it cannot be read.
    """
    return load_checkpoint(shipped(name) if name in SHIPPED else Path(name))


def shipped(name: str) -> Path:
    """Return the file of a shipped checkpoint.

    Raises:
        CheckpointError: if no checkpoint of this name is shipped, or its file is missing.
    """
    if name not in SHIPPED:
        raise CheckpointError(f"no shipped checkpoint {name!r}; there are {', '.join(SHIPPED)}")
    # Installed packages lie in folders, so that the file outlives the context.
    with as_file(files("parsenet") / "checkpoints" / f"{name}.safetensors") as path:
        if not path.is_file():
            raise CheckpointError(f"{path}: the shipped checkpoint is missing; install again")
        return path
