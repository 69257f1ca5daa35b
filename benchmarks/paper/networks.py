"""The networks that the paper's claim is measured on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

import erf
from benchmarks.hed_weights import find_weights
from parsenet.checkpoint import load_checkpoint
from parsenet.shipment import shipped


@dataclass(frozen=True)
class Network:
    """A network of the comparison.

    Attributes:
        name: of its folder.
        title: in the tables.
        load: makes it.
        layers: to probe, by their names in the tables.
        photos: how many of them are probed; None for all.
        gradient: whether the gradient of its last layer is taken too.
    """

    name: str
    title: str
    load: Callable[[Path | None], erf.LoadedModel]
    layers: dict[str, str]
    photos: int | None = None
    gradient: bool = False


def _trained(weights: Path | None) -> erf.LoadedModel:
    found = erf.load_model("fcn32s", weights=erf.Init(str(find_weights(weights))))
    print("\n".join(found.notes), flush=True)
    return found


def _untrained(_: Path | None) -> erf.LoadedModel:
    late = load_checkpoint(shipped("none"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = late.build().eval()
    space = late.input_space
    known = erf.InputSpace(space.mean, space.std, space.channel_order)
    return erf.LoadedModel(model, "untrained", known, random=True)


FEW = 5
"""Photos for the networks that are beside the point."""

NETWORKS = (
    Network(
        "trained",
        "FCN-32s, trained convolutions",
        _trained,
        {"conv5_3": "conv5_3", "fc7": "fc7"},
        gradient=True,
    ),
    Network(
        "random",
        "FCN-32s, random weights",
        lambda _: erf.load_model("fcn32s"),
        {"fc7": "fc7"},
        FEW,
    ),
    Network(
        "none",
        "shipped, no fusion",
        lambda _: erf.load_model("none"),
        {"fc7": "fc7", "scores": "fusion"},
        FEW,
    ),
    Network(
        "early",
        "shipped, early fusion",
        lambda _: erf.load_model("early"),
        {"scores": "fusion_score"},
        FEW,
    ),
    Network(
        "late", "shipped, late fusion", lambda _: erf.load_model("late"), {"scores": "fusion"}, FEW
    ),
    Network(
        "untrained",
        "no fusion, untrained",
        _untrained,
        {"fc7": "fc7", "scores": "fusion"},
        FEW,
    ),
)
