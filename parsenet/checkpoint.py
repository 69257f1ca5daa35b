"""A trained model in one ``.safetensors`` file: weights, and all else it needs in the metadata."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Shaped
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from parsenet.atomic import whole_file
from parsenet.errors import CheckpointError, ModelError
from parsenet.input_space import ChannelOrder, InputSpace, Triple
from parsenet.tensors import checksum, lost_values
from parsenet.variants import VARIANTS, build

FORMAT = "parsenet-checkpoint"
SNAPSHOT = "parsenet-snapshot 1"
"""A training's snapshot: a checkpoint too where it says which network it is of."""

WEIGHTS = "model/"
"""How the names of a snapshot's weights begin; the rest of its tensors is the optimizer's."""

VERSION = 1


@dataclass(frozen=True)
class Description:
    """Everything about a checkpoint but its weights; what the file's metadata holds as JSON.

    Attributes:
        variant: name of the network, as ``build`` takes it.
        options: the keywords it was built with, ``classes`` excepted.
        classes: class names in the order of the scores.
        mean, std: grey levels (0..255) that the input is shifted and divided by, one for each input
            channel of the model, in the model's channel order.
        channel_order: "rgb", or "bgr" as in Caffe.
        training: how it was trained: command, seed, iterations, data, software, scores; as JSON.

    Raises:
        CheckpointError: if a value is none of these.
    """

    variant: str
    options: Mapping[str, Any]
    classes: tuple[str, ...]
    mean: Triple
    std: Triple
    channel_order: ChannelOrder = "rgb"
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what would make a checkpoint that cannot be used."""
        if "classes" in self.options:
            raise CheckpointError("options name 'classes', whose number is that of the class names")
        if not self.classes or not all(isinstance(name, str) for name in self.classes):
            raise CheckpointError(f"classes must be names, at least one, not {self.classes!r}")
        _ = self.input_space

    @property
    def input_space(self) -> InputSpace:
        """How an image is brought to the model."""
        return InputSpace(self.mean, self.std, self.channel_order)

    def build(self) -> nn.Module:
        """Build the network with fresh weights."""
        return build(self.variant, classes=len(self.classes), **self.options)


@dataclass(frozen=True)
class Checkpoint(Description):
    """A model with what is needed to use it: see ``Description``."""

    model: nn.Module = field(kw_only=True)

    def input_tensor(
        self, image: Shaped[np.ndarray, "height width 3"]
    ) -> Float32[Tensor, "3 height width"]:
        """Bring an RGB image of grey levels, 0..255, into the model's input space."""
        return self.input_space.tensor(image)

    def input_sigma(self, grey_levels: float) -> Triple:
        """Return what a standard deviation in grey levels amounts to in each input channel."""
        return self.input_space.sigma(grey_levels)


def save_checkpoint(checkpoint: Checkpoint, path: str | os.PathLike[str]) -> None:
    """Write a checkpoint; a file of that name is replaced at once and whole.

    Raises:
        CheckpointError: if it could not be read back (its options do not build a model with these
            weights, or a value is no JSON) or the file cannot be written.
    """
    path = Path(path)
    description = _describe(checkpoint)
    state = {
        name: t.detach().cpu().contiguous() for name, t in checkpoint.model.state_dict().items()
    }
    _fit(description, state, path)
    described = describing_metadata(description, path)
    metadata = {
        "format": FORMAT,
        **described,
        "crc32": checksum(described["checkpoint"], state),
    }
    try:
        with whole_file(path) as staging:
            save_file(state, staging, metadata=metadata)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: cannot be written: {error}") from error


def describing_metadata(description: Description, path: Path) -> dict[str, str]:
    """Return the part of a file's metadata that says which network its weights are of.

    Raises:
        CheckpointError: if a value is no JSON.
    """
    try:
        text = json.dumps(asdict(description), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: cannot be described in JSON: {error}") from error
    return {"version": str(VERSION), "checkpoint": text}


def is_checkpoint(metadata: Mapping[str, str]) -> bool:
    """Say whether a file of this metadata is one that ``load_checkpoint`` takes."""
    return metadata.get("format") in (FORMAT, SNAPSHOT)


def load_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint onto the CPU, its model in evaluation mode. Nothing is unpickled.

    A snapshot of a training is one too: its weights are taken, its optimizer's state is not.

    Raises:
        CheckpointError: if the file is missing, damaged, or no checkpoint of this package; one line
            with the file and the reason.
    """
    path = Path(path)
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "is no file"
        raise CheckpointError(f"{path}: {kind if path.exists() else 'no such file'}")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: is no readable safetensors file: {error}") from error
    description = _parse(metadata, path)
    known = checksum(metadata.get("snapshot", "") + metadata["checkpoint"], state)
    if metadata["format"] == SNAPSHOT:
        weights = {name: t for name, t in state.items() if name.startswith(WEIGHTS)}
        state = {name.removeprefix(WEIGHTS): tensor for name, tensor in weights.items()}
    model = _fit(description, state, path)
    if metadata.get("crc32", known) != known:
        raise CheckpointError(f"{path}: is damaged: its checksum differs")
    if lost := lost_values(state):
        raise CheckpointError(f"{path}: {lost}: nothing that it computes would mean anything")
    model.load_state_dict(state, assign=True)
    return Checkpoint(**vars(description), model=model.eval())


def read_metadata(path: Path) -> Mapping[str, str]:
    """Return the metadata of a safetensors file, without reading a tensor.

    Raises:
        CheckpointError: if it cannot be read.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: is no file")
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: is no readable safetensors file: {error}") from error


def _describe(checkpoint: Checkpoint) -> Description:
    return Description(
        **{name: getattr(checkpoint, name) for name in Description.__dataclass_fields__}
    )


def _fit(description: Description, state: Mapping[str, Tensor], path: Path) -> nn.Module:
    """Build the described model and check that the weights fit it.

    Ours needs no memory for weights of its own; other people's is built as they made it.
    """
    try:
        if VARIANTS.find(description.variant).shapes_alone:
            with torch.device("meta"):
                model = description.build()
        else:
            with torch.random.fork_rng(devices=[]):
                model = description.build()
    except (ModelError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path}: its model cannot be built: {error}") from error
    expected = model.state_dict()
    if missing := sorted(expected.keys() - state.keys()):
        raise CheckpointError(f"{path}: lacks {_count(missing)} of {description.variant}")
    if extra := sorted(state.keys() - expected.keys()):
        raise CheckpointError(f"{path}: has {_count(extra)} that {description.variant} has not")
    for name, tensor in state.items():
        wanted = expected[name]
        if tensor.shape != wanted.shape or tensor.dtype != wanted.dtype:
            raise CheckpointError(
                f"{path}: {name} is {_form(tensor)}, {description.variant} has {_form(wanted)}"
            )
    return model


def _form(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


def _count(names: Sequence[str]) -> str:
    return f"{len(names)} tensor{'s' if len(names) > 1 else ''}, first {names[0]!r},"


def _parse(metadata: Mapping[str, str], path: Path) -> Description:
    if not is_checkpoint(metadata):
        raise CheckpointError(f"{path}: is no checkpoint of parsenet: its metadata does not say so")
    if metadata["format"] == SNAPSHOT and "checkpoint" not in metadata:
        raise CheckpointError(
            f"{path}: is a snapshot that does not say which network it is of: its training goes on "
            "from it, nothing else can"
        )
    if metadata.get("version") != str(VERSION):
        raise CheckpointError(
            f"{path}: has version {metadata.get('version')!r}; this software reads {VERSION}"
        )
    try:
        values = json.loads(metadata["checkpoint"])
        return Description(
            variant=str(values["variant"]),
            options=dict(values["options"]),
            classes=tuple(values["classes"]),
            mean=_triple(values["mean"]),
            std=_triple(values["std"]),
            channel_order=values["channel_order"],
            training=dict(values["training"]),
        )
    except KeyError as error:
        raise CheckpointError(f"{path}: its metadata lacks {error}") from error
    except (TypeError, ValueError, OverflowError, RecursionError, CheckpointError) as error:
        raise CheckpointError(f"{path}: its metadata is damaged: {error}") from error


def _triple(values: Sequence[Any]) -> Triple:
    first, second, third = (float(value) for value in values)
    return first, second, third
