"""The plan of a study: which models, layers, units and photos are asked, and how."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from erf.errors import SettingError, UnitError
from erf.geometry import parse_unit
from erf.settings import ENGINES, Disturbance, Gradient, Noise, Settings
from erf.sources import Choice, Init, InputSpace, LoadedModel, load_model, read_arguments

INTERIOR = "interior"
"""Units whose theoretical field lies inside the image: up to 3 by 3 of them, spread evenly."""


@dataclass(frozen=True, eq=False)
class StudyModel:
    """One model of a study, and the layers that are asked.

    Attributes:
        source: a name as `erf.load_model` takes it, or what that returned.
        layers: of this model; those of the plan where none is named.
        name: in tables and in the tree; the source's own unless given.
        weights, partial, arguments, input_space: as in `erf.load_model`.
        random: ``refuse`` a model that gives other numbers for the same image, or take it
            ``fixed``, every pass with the same random numbers.
        engine: that disturbs this model, whatever its methods say: ``dense`` or ``delta``, where
            one of them is known to be the faster.

    Raises:
        SettingError: when there is no such engine.
    """

    source: str | LoadedModel
    layers: tuple[str, ...] = ()
    name: str = ""
    weights: str | Init | None = None
    partial: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)
    input_space: InputSpace | None = None
    random: Literal["refuse", "fixed"] = "refuse"
    engine: str | None = None

    def __post_init__(self) -> None:
        if self.engine is not None and self.engine not in ENGINES:
            raise SettingError(f"engine {self.engine!r} is none of {', '.join(ENGINES)}")

    @classmethod
    def of(
        cls, choice: Choice, name: str, random: Literal["refuse", "fixed"] = "refuse"
    ) -> StudyModel:
        """A model of which this was said, not loaded yet.

        Raises:
            SettingError: a type of numbers or inputs beside the image were said.
        """
        if choice.dtype is not None or choice.inputs:
            raise SettingError("--dtype and --input are of a probe of one model and one layer")
        return cls(
            source=name,
            weights=choice.filling,
            partial=choice.partial,
            arguments=read_arguments(choice.model_args),
            input_space=choice.input_space,
            random=random,
        )

    @property
    def title(self) -> str:
        """The name in tables."""
        if self.name:
            return self.name
        if isinstance(self.source, LoadedModel):
            return self.source.name
        where, _, function = self.source.rpartition(":")
        return function if where.endswith(".py") else self.source

    def load(self, image_size: tuple[int, int] | None = None) -> LoadedModel:
        """The model, under its name in the study.

        Raises:
            SourceError: when it cannot be had.
        """
        return replace(self.find(image_size), name=self.title)

    def find(self, image_size: tuple[int, int] | None = None) -> LoadedModel:
        """The model under its own name; errors as of `load`."""
        if isinstance(self.source, LoadedModel):
            return replace(self.source, chance=self.random)
        loaded = load_model(
            self.source,
            weights=self.weights,
            partial=self.partial,
            arguments=self.arguments,
            image_size=image_size,
            input_space=self.input_space,
        )
        return replace(loaded, chance=self.random)

    def describe(self) -> dict[str, Any]:
        """What decides the model, JSON-compatible."""
        own = isinstance(self.source, LoadedModel)
        found = {
            "source": self.title if own else self.source,
            "weights": asdict(self.weights) if isinstance(self.weights, Init) else self.weights,
            "partial": self.partial,
            "arguments": dict(self.arguments),
            "input_space": None if self.input_space is None else asdict(self.input_space),
            "random": self.random,
            "engine": self.engine,
        }
        return {name: value for name, value in found.items() if value not in (None, {}, False)}


@dataclass(frozen=True)
class StudyMethod:
    """How it is asked.

    Attributes:
        settings: whose sigma and image index are a matter of the model and of the photo, and are
            put in for each of them.
        sigma: of the noise, grey levels (0..255).
    """

    settings: Settings = field(default_factory=Noise)
    sigma: float = 25.0

    def __post_init__(self) -> None:
        if not 0 < self.sigma < float("inf"):
            raise SettingError(f"sigma {self.sigma} must be positive and finite")

    def on(self, space: InputSpace, image_index: int, engine: str | None = None) -> Settings:
        """The settings for a model and a photo."""
        if not isinstance(self.settings, Disturbance):
            return self.settings
        engine = engine or self.settings.engine
        sigma = space.sigma(self.sigma)
        return replace(self.settings, sigma=sigma, image_index=image_index, engine=engine)

    def describe(self) -> dict[str, Any]:
        """What decides the numbers, JSON-compatible."""
        if isinstance(self.settings, Gradient):
            return self.settings.to_json()
        return self.settings.to_json() | {"sigma": self.sigma}


@dataclass(frozen=True, eq=False)
class StudyPlan:
    """The same questions asked of many models, layers, units and photos.

    Attributes:
        models: at least one, each by a name of its own.
        images: files of photos.
        layers: of every model that names none itself.
        units: each ``center``, ``max``, ``all``, ``ROW,COL``, ``grid:N`` or ``interior``.
        methods: by name.
        image_size: to scale and crop to, or None to leave photos as they are.
        channel: of the layers, or None for the L2 norm over all.
        threads: of a worker. One by default: the last bit of a sum may hang on it, and several
            workers use the cores better.

    Raises:
        SettingError: when something is missing or named twice.

    Example:
        >>> plan = StudyPlan((StudyModel("resnet18"),), (Path("cat.jpg"),), layers=("layer1",))
        >>> [each.title for each in plan.models], plan.units, list(plan.methods)
        (['resnet18'], ('center',), ['noise'])
    """

    models: tuple[StudyModel, ...]
    images: tuple[Path, ...]
    layers: tuple[str, ...] = ()
    units: tuple[str, ...] = ("center",)
    methods: Mapping[str, StudyMethod] = field(default_factory=lambda: {"noise": StudyMethod()})
    image_size: tuple[int, int] | None = None
    channel: int | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        titles = [each.title for each in self.models]
        for what, names in (("model", titles), ("unit", self.units), ("method", self.methods)):
            check_names(what, [safe_name(each) for each in names])
        if not self.images:
            raise SettingError("a study needs at least one image, not 0")
        if self.threads < 1:
            raise SettingError(f"threads {self.threads} must be at least 1")
        for model in self.models:
            if not self.layers_of(model):
                raise SettingError(f"name a layer of {model.title}: layers is empty")
            check_names(f"layer of {model.title}", self.layers_of(model))
        for unit in self.units:
            check_unit(unit)

    def layers_of(self, model: StudyModel) -> tuple[str, ...]:
        """The layers that are asked of a model."""
        return model.layers or self.layers


def is_spread(unit: str) -> bool:
    """Whether a unit's name stands for several units."""
    return unit == INTERIOR or re.fullmatch(r"grid:\d+", unit) is not None


def check_unit(unit: str) -> None:
    """Refuse what names no unit, before anything is run.

    Raises:
        UnitError: with all that can be named.
    """
    if is_spread(unit):
        return
    try:
        parse_unit(unit)
    except UnitError as error:
        raise UnitError(f"{error}, grid:N or interior") from None


def check_names(what: str, names: list[str] | tuple[str, ...]) -> None:
    """Refuse none, or the same one twice.

    Raises:
        SettingError: naming it.
    """
    if not names:
        raise SettingError(f"a study needs at least one {what}, not 0")
    twice = next((each for each in names if names.count(each) > 1), None)
    if twice is not None:
        raise SettingError(f"{what} {twice!r} is named twice: give one of them another name")


def safe_name(text: str) -> str:
    """A name that can stand in a path.

    Example:
        >>> safe_name("timm:resnet18.a1"), safe_name("grid:3"), safe_name("../x")
        ('timm-resnet18.a1', 'grid-3', '-x')
    """
    name = "".join(c if c.isalnum() or c in "-_.,#[]=+@" else "-" for c in text)
    return name.lstrip(".") or "-"
