"""Snapshots of a training, from which it goes on as if nothing had happened."""

import json
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from parsenet.atomic import flush, make_folder
from parsenet.checkpoint import SNAPSHOT as FORMAT
from parsenet.checkpoint import WEIGHTS, Description, describing_metadata
from parsenet.errors import TrainingError
from parsenet.tensors import checksum

PATTERN = "iteration-*.safetensors"
BEST = "best.safetensors"
"""The snapshot of the highest score so far, where that is kept."""

WRITING = ".writing"


class SnapshotWarning(UserWarning):
    """A damaged snapshot was passed over."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Everything that the next iteration depends on.

    There is no random state: samples, augmentation and dropout follow from the seed and the
    iteration.

    Attributes:
        iteration: how many updates were made.
        model: weights and buffers by name.
        optimizer: for each parameter, by its number in the optimizer, the tensors kept for it.
        settings: what the training was asked to do, as JSON.
        description: of the network; with it the file is a checkpoint, which ``load_checkpoint``
            takes.
        reached: scores by then, as JSON; empty where none were taken.
    """

    iteration: int
    model: Mapping[str, Tensor]
    optimizer: Mapping[int, Mapping[str, Tensor]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    description: Description | None = None
    reached: Mapping[str, Any] = field(default_factory=dict)


def save_snapshot(snapshot: Snapshot, folder: Path, *, keep: int = 2) -> Path:
    """Write a snapshot and delete all but the last ``keep``.

    A reader finds it whole or not at all, at whatever moment the writer is killed or the power
    fails; older ones go only once it is on the disk. Snapshots of later iterations, which a
    training that starts again from an earlier one has left behind, go too. A folder has one writer.

    Raises:
        TrainingError: if it cannot be written, or ``keep`` is below 1.
    """
    if keep < 1:
        raise TrainingError(f"keep must be at least 1, is {keep}")
    path = folder / f"iteration-{snapshot.iteration:09d}.safetensors"
    _write(snapshot, path)
    try:
        _delete_others(path, keep)
    except OSError as error:
        raise TrainingError(f"{path}: cannot be written: {error}") from error
    return path


def save_best(snapshot: Snapshot, folder: Path) -> Path:
    """Write the snapshot that has scored best so far, in place of the one before.

    Raises:
        TrainingError: if it cannot be written.
    """
    _write(snapshot, folder / BEST)
    return folder / BEST


def _write(snapshot: Snapshot, path: Path) -> None:
    tensors = _flatten(snapshot)
    values = {"iteration": snapshot.iteration, "settings": dict(snapshot.settings)}
    text = json.dumps(values | ({"reached": dict(snapshot.reached)} if snapshot.reached else {}))
    metadata = {"format": FORMAT, "snapshot": text}
    if snapshot.description is not None:
        metadata |= describing_metadata(snapshot.description, path)
    metadata["crc32"] = checksum(text + metadata.get("checkpoint", ""), tensors)
    writing = path.parent / WRITING
    try:
        # Of a writer that was killed; safetensors, too, leaves files of its own then.
        shutil.rmtree(writing, ignore_errors=True)
        make_folder(path.parent)
        writing.mkdir()
        save_file(tensors, writing / path.name, metadata=metadata)
        flush(writing / path.name)
        (writing / path.name).replace(path)
        flush(path.parent)
        writing.rmdir()
    except (OSError, SafetensorError) as error:
        shutil.rmtree(writing, ignore_errors=True)
        raise TrainingError(f"{path}: cannot be written: {error}") from error


def best_reached(folder: Path) -> Mapping[str, Any]:
    """Return what the best snapshot of a folder has reached; nothing if there is none to read."""
    path = folder / BEST
    try:
        reached = load_snapshot(path).reached if path.exists() else {}
    except TrainingError as error:
        warnings.warn(f"{error}; the next score is the best", SnapshotWarning, stacklevel=2)
        reached = {}
    return reached


def load_snapshot(path: Path) -> Snapshot:
    """Read a snapshot.

    Raises:
        TrainingError: if it is none, or a byte of it has changed.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if metadata.get("format") != FORMAT:
            raise TrainingError(f"{path}: is no snapshot of a training ({FORMAT})")
        text = metadata["snapshot"]
        if metadata["crc32"] != checksum(text + metadata.get("checkpoint", ""), tensors):
            raise TrainingError(f"{path}: is damaged: its checksum differs")
        values = json.loads(text)
        snapshot = _unflatten(int(values["iteration"]), tensors, values["settings"])
        return replace(snapshot, reached=values.get("reached", {}))
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise TrainingError(f"{path}: is damaged: {error}") from error


def latest_snapshot(folder: Path) -> Snapshot | None:
    """Read the last snapshot of a folder; None if it has none.

    A damaged one is passed over with a ``SnapshotWarning``, for the one before.

    Raises:
        TrainingError: if there are snapshots and all are damaged.
    """
    paths = snapshots(folder)
    for path in reversed(paths):
        try:
            return load_snapshot(path)
        except TrainingError as error:
            if path == paths[0]:
                raise TrainingError(f"{error}; no other snapshot is left in {folder}") from error
            warnings.warn(f"{error}; using the one before", SnapshotWarning, stacklevel=2)
    return None


def snapshots(folder: Path) -> list[Path]:
    """Return the snapshots of a folder, the earliest first."""
    return sorted(folder.glob(PATTERN))


def _delete_others(path: Path, keep: int) -> None:
    paths = snapshots(path.parent)
    place = paths.index(path)
    for other in paths[: max(0, place + 1 - keep)] + paths[place + 1 :]:
        other.unlink()


def _flatten(snapshot: Snapshot) -> dict[str, Tensor]:
    named = {f"{WEIGHTS}{name}": tensor for name, tensor in snapshot.model.items()}
    for number, state in snapshot.optimizer.items():
        named |= {f"optimizer/{number}/{name}": tensor for name, tensor in state.items()}
    return {name: tensor.detach().cpu().contiguous() for name, tensor in named.items()}


def _unflatten(iteration: int, tensors: Mapping[str, Tensor], settings: Any) -> Snapshot:
    model: dict[str, Tensor] = {}
    optimizer: dict[int, dict[str, Tensor]] = {}
    for path, tensor in tensors.items():
        kind, _, name = path.partition("/")
        if kind == "model":
            model[name] = tensor
        else:
            number, _, name = name.partition("/")
            optimizer.setdefault(int(number), {})[name] = tensor
    return Snapshot(iteration, model, optimizer, settings)
