"""One training, resolved: which network, on which data, from which weights, by which recipe."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from parsenet.datasets import VOID, open_dataset
from parsenet.datasets.counting import ClassCounts, count_classes
from parsenet.datasets.dataset import LabelledImages
from parsenet.datasets.registry import check_split
from parsenet.errors import TrainingError
from parsenet.freezing import freeze_trunk
from parsenet.input_space import IMAGENET, InputSpace
from parsenet.pretrained import transplant, weights_for
from parsenet.pretrained.spaces import named_space
from parsenet.scenes import (
    CLASSES,
    INPUT_SPACE,
    Scenes,
    SceneSpec,
    class_weights,
    root_weights,
)
from parsenet.training.initial import start_classifiers
from parsenet.training.processes import ALONE, Processes
from parsenet.training.recipe import Recipe
from parsenet.training.supply import Labelled
from parsenet.training.toml import to_toml
from parsenet.variants import build

# Rates below are those of recipes that begin with trained weights, loss summed over pixels.
SMALL_RATE = 1e-6

# Images whose labels decide how a class weighs in the loss.
WEIGHED_IMAGES = 100


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Everything that decides what a training comes to; as TOML it repeats the training.

    Attributes:
        variant, options: the network and its keywords, as ``build`` takes them.
        data, root, split: the data set, as ``open_dataset`` takes them; "scenes" needs no root.
        size: side of the generated scenes in pixels; photos have their own sizes.
        init: trained weights to begin with, as ``load_weights`` takes them; empty: none.
        init_input: what those were trained on, one of ``SPACES``; empty: what is usual for them.
        freeze: "trunk" for a network of which the head alone learns; empty: all of it does.
        recipe: how it is trained.

    Raises:
        TrainingError: if the options name the number of classes, which the data decide.
    """

    variant: str = "parsenet"
    options: Mapping[str, Any] = field(default_factory=dict)
    data: str = "scenes"
    root: str = ""
    split: str = "train"
    size: int = 384
    init: str = ""
    init_input: str = ""
    freeze: str = ""
    recipe: Recipe

    def __post_init__(self) -> None:
        if "classes" in self.options:
            raise TrainingError("options name 'classes', whose number is that of the data")

    @property
    def name(self) -> str:
        """What its folder and its checkpoint are called by default: network and fusion."""
        fusion = self.options.get("fusion")
        return self.variant + (f"-{fusion}" if fusion else "")

    @property
    def spec(self) -> SceneSpec:
        """The family of the generated scenes."""
        return SceneSpec(seed=self.recipe.seed, size=self.size)

    def to_toml(self) -> str:
        """Write every value; ``from_toml`` reads it."""
        return to_toml(asdict(self))

    @classmethod
    def from_toml(cls, text: str) -> Experiment:
        """Read what ``to_toml`` wrote; values that are left out take their defaults.

        Raises:
            TrainingError: if it is not TOML, or a name or value is unknown.
        """
        try:
            values = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            reason = "it nests too deeply" if isinstance(error, RecursionError) else error
            raise TrainingError(f"configuration is not TOML: {reason}") from error
        names = {item.name: item.type for item in fields(cls)}
        for name, value in values.items():
            if name not in names:
                raise TrainingError(f"a configuration has no {name!r}; it has {', '.join(names)}")
            kind = {"str": str, "int": int}.get(str(names[name]), dict)
            if type(value) is not kind:
                raise TrainingError(f"{name} must be of type {kind.__name__}, not {value!r}")
        if "recipe" not in values:
            raise TrainingError("configuration lacks recipe")
        return cls(**{**values, "recipe": Recipe.from_table(values["recipe"])})


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a training begins with.

    ``counts`` says how often each class occurs, None of generated scenes; ``report`` says that,
    and what became of the initial weights, if there were any.
    """

    model: nn.Module
    data: Labelled
    classes: tuple[str, ...]
    input_space: InputSpace
    class_weights: Float32[Tensor, "classes"] | None
    counts: ClassCounts | None
    report: str


def prepare(experiment: Experiment) -> Prepared:
    """Build the network, fill in its initial weights and open the data.

    What is not filled in is random, a function of the recipe's seed. Every label of a split of
    photos is read once, so that what is wrong with one shows before anything is trained.

    Raises:
        ParseNetError: if anything in it does not exist or does not fit, or all pixels are void; one
            line says what.
    """
    recipe, data = experiment.recipe, open_data(experiment)
    classes = CLASSES if isinstance(data, Scenes) else data.classes
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        try:
            model = build(experiment.variant, classes=len(classes), **experiment.options)
        except TypeError as error:
            raise TrainingError(
                f"options {dict(experiment.options)} make no {experiment.variant}: {error}"
            ) from error
    space = INPUT_SPACE if isinstance(data, Scenes) else IMAGENET
    report, loaded = "", tuple[str, ...]()
    if experiment.freeze not in ("", "trunk"):
        raise TrainingError(f"freeze must be 'trunk' or nothing, not {experiment.freeze!r}")
    if experiment.freeze:
        freeze_trunk(model)
    if experiment.init_input and not experiment.init:
        raise TrainingError(f"init_input {experiment.init_input!r} is of no weights: name init too")
    if experiment.init:
        said = named_space(experiment.init_input) if experiment.init_input else None
        planted = transplant(model, weights_for(model, experiment.init, input_space=said))
        space, report = planted.input_space, planted.report()
        loaded = (*planted.matched, *planted.reshaped)
    elif not isinstance(data, Scenes) and recipe.base_lr < SMALL_RATE:
        report = (
            f"note: from random weights at a rate of {recipe.base_lr:g}, which is for trained "
            "ones: it will learn next to nothing; name some with --init"
        )
    if recipe.classifier_init == "zero":  # "xavier" is how they are built
        start_classifiers(model, "zero", loaded=loaded)
    counts = None if isinstance(data, Scenes) else count_classes(data)
    if counts is not None:
        report = "\n".join(filter(None, [report, counts.report()]))
    weights = _class_weights(experiment, data) if recipe.weigh_classes else None
    return Prepared(model, data, classes, space, weights, counts, report)


def fetch_data(experiment: Experiment, processes: Processes = ALONE) -> None:
    """Download what is missing of the data; the other processes wait for the first.

    Raises:
        DatasetError: if that cannot be.
    """
    if processes.first:
        open_dataset(experiment.data, experiment.root or None, experiment.split, download=True)
    processes.sum(0.0)


def open_data(experiment: Experiment) -> Scenes | LabelledImages:
    """Return the images to train on: endless scenes, or a split of photos.

    Raises:
        DatasetError: if there is no such data set or split, or files are missing.
    """
    check_split(experiment.data, experiment.split)
    if experiment.data == "scenes":
        return Scenes(experiment.spec)
    return open_dataset(experiment.data, experiment.root or None, experiment.split)


def _class_weights(
    experiment: Experiment, data: Scenes | LabelledImages
) -> Float32[Tensor, "classes"]:
    if isinstance(data, Scenes):
        return class_weights(experiment.spec)
    pixels = np.zeros(VOID + 1, np.int64)
    for index in np.linspace(0, len(data) - 1, min(len(data), WEIGHED_IMAGES)).astype(int):
        pixels += np.bincount(data[int(index)][1].ravel(), minlength=VOID + 1)
    return root_weights(pixels[: len(data.classes)])
