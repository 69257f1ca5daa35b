"""Naming a model on the command line: a checkpoint file, or an architecture."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from torch import nn

    from parsenet.input_space import InputSpace

MODEL_HELP = (
    "MODEL is a .safetensors checkpoint of `erf train`, a checkpoint shipped with this package "
    "(none, early, late), or an architecture with random weights: fcn32s, fcn16s, fcn8s, "
    "parsenet, a torchvision model such as resnet50, or timm:NAME."
)


@dataclass(frozen=True)
class LoadedModel:
    """A model, its name, and how it wants its images.

    Attributes:
        model: in evaluation mode, on the CPU.
        name: for tables and provenance.
        input_space: mean, standard deviation and channel order.
        random: whether its weights are random.
    """

    model: nn.Module
    name: str
    input_space: InputSpace
    random: bool


def load_model(text: str) -> LoadedModel:
    """Find the model that a user means; architectures get random weights, always the same.

    Raises:
        click.BadParameter: when nothing of that name is known.
        parsenet.CheckpointError: when a checkpoint cannot be read.
    """
    from parsenet import SHIPPED, load_checkpoint, shipped

    if text in SHIPPED or text.endswith(".safetensors") or Path(text).exists():
        path = shipped(text) if text in SHIPPED else Path(text)
        checkpoint = load_checkpoint(path)
        name = f"parsenet-{text}" if text in SHIPPED else path.stem
        return LoadedModel(checkpoint.model, name, checkpoint.input_space, random=False)
    return _architecture(text)


def _architecture(name: str) -> LoadedModel:
    import torch
    import torchvision

    from parsenet import VARIANTS, build
    from parsenet.input_space import IMAGENET

    names = torchvision.models.list_models()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if name in VARIANTS:
            model = build(name)
        elif name in names and name.startswith(("deeplab", "fcn_", "lraspp")):
            model = torchvision.models.get_model(name, weights=None, weights_backbone=None)
        elif name in names:
            model = torchvision.models.get_model(name, weights=None)
        elif name.startswith("timm:"):
            model = _timm(name.removeprefix("timm:"))
        else:
            raise _unknown(name, [*VARIANTS, *names])
    return LoadedModel(model.eval(), name, IMAGENET, random=True)


def _timm(name: str) -> nn.Module:
    try:
        import timm
    except ImportError:
        raise click.BadParameter("timm models need timm: pip install timm") from None
    if name not in timm.list_models():
        near = difflib.get_close_matches(name, timm.list_models(), n=3)
        raise click.BadParameter(f"timm has no model {name!r}{_hint(near)}")
    model = timm.create_model(name, pretrained=False)
    return model


def _unknown(name: str, names: list[str]) -> click.BadParameter:
    near = difflib.get_close_matches(name, names, n=3)
    return click.BadParameter(
        f"{name!r} is neither a file nor a shipped checkpoint nor an architecture{_hint(near)}"
    )


def _hint(near: list[str]) -> str:
    return f"; did you mean {', '.join(near)}?" if near else ""
