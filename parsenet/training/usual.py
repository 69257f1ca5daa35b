"""What is usual: the network, recipe, snapshots and workers of a training that says little."""

import os
from collections.abc import Mapping
from typing import Any

import torch

from parsenet.training.experiment import Experiment
from parsenet.training.recipe import Recipe
from parsenet.training.recipes import named_recipe
from parsenet.variants import VARIANTS

# Small, with batch norm: a network for scenes. Dropout is for many passes over few images.
SCENE_OPTIONS = {"width": 0.125, "batch_norm": True, "dropout": False}

# A twentieth of a training, though never more than this many iterations, is lost at worst.
TWENTIETH, MOST = 20, 500
MOST_WORKERS = 2


def usual_experiment(
    variant: str = "parsenet",
    *,
    data: str = "scenes",
    root: str = "",
    split: str = "",
    size: int = 384,
    init: str = "",
    options: Mapping[str, Any] | None = None,
    recipe: Recipe | None = None,
) -> Experiment:
    """Return an experiment in which all that is not named is what is usual for network and data.

    Args:
        variant, data, root, size, init: see ``Experiment``.
        split: empty for ``usual_split``.
        options: keywords of the network that differ from ``usual_options``.
        recipe: None for ``usual_recipe``.

    Raises:
        ParseNetError: if there is no such variant.

    Example:
        >>> usual_experiment("parsenet", options={"fusion": "early"}).name
        'parsenet-early'
    """
    return Experiment(
        variant=variant,
        options={**usual_options(variant, data), **(options or {})},
        data=data,
        root=root,
        split=split or usual_split(data, VARIANTS.find(variant).recipe),
        size=size,
        init=init,
        recipe=recipe or usual_recipe(variant, data),
    )


def usual_options(variant: str, data: str) -> dict[str, Any]:
    """Return the keywords of a network for a data set: for scenes a small one, if it can be."""
    fused = variant in ("parsenet", "backbone")
    options: dict[str, Any] = {"fusion": "late"} if fused else {}
    if data == "scenes":
        known = VARIANTS.find(variant).keywords
        options |= {name: value for name, value in SCENE_OPTIONS.items() if name in known}
    return options


def usual_split(data: str, recipe: str) -> str:
    """Return the split that a recipe is for: the released ParseNet's, of VOC, had 10,582 photos.

    Example:
        >>> usual_split("voc2012", "parsenet-release"), usual_split("camvid", "parsenet-release")
        ('trainaug', 'train')
    """
    return "trainaug" if (data, recipe) == ("voc2012", "parsenet-release") else "train"


def usual_recipe(variant: str, data: str) -> Recipe:
    """Return the recipe for scenes, or the one that the network has for photos."""
    return named_recipe("scenes" if data == "scenes" else VARIANTS.find(variant).recipe)


def usual_distance(iterations: int) -> int:
    """Return how many iterations lie between the snapshots of a training by default."""
    return max(1, min(MOST, iterations // TWENTIETH))


def usual_workers(device: torch.device) -> int:
    """Return how many processes load images by default, for each process that trains.

    Two, where as many cores are left; one keeps up with scenes, and photos cost less still. On a
    machine of two cores, both training, a worker delays more than it saves: while it has a core,
    the thread on the other one waits (``python -m benchmarks.training_speed``).
    """
    busy = min(2, torch.get_num_threads()) if device.type == "cpu" else 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    share = (cores or 1) // int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    return max(0, min(MOST_WORKERS, share - busy))
