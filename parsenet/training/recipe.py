"""How a training goes, as data: every number that decides what comes out, and nothing else."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from math import isfinite
from typing import Any, Literal

from parsenet.errors import TrainingError
from parsenet.training.multipliers import Multipliers
from parsenet.training.schedule import Policy, learning_rate
from parsenet.training.toml import to_toml


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a training does; the names are those of Caffe's ``solver.prototxt`` where it has one.

    One iteration makes one update from ``batch_size * iter_size`` images, whatever the number of
    processes. The gradient is that of the loss of all of them together, so that ``batch_size``, how
    many pass the network at once, decides about memory and speed (and batch norm) alone.

    Attributes:
        description: what it is, and which of its numbers are published where.
        max_iter: iterations.
        batch_size, iter_size: images at once, and how often an iteration does that.
        solver: "sgd", our ``CaffeSGD``; or "adamw", PyTorch's, without ``momentum``.
        base_lr, lr_policy, power, gamma, stepsize: see ``learning_rate``.
        momentum, weight_decay: of the solver.
        bias_lr_mult, bias_decay_mult, classifier_lr_mult: see ``Multipliers``.
        layer_rates: factors on the rate of layers, ``PATTERN=FACTOR`` each; see ``Multipliers``.
        classifier_init: how score layers start, "xavier" or "zero".
        loss: cross-entropy, void pixels left out, summed over the pixels of an image and averaged
            over images ("sum", Caffe's ``normalize: false``) or averaged over all pixels of an
            iteration ("mean").
        weigh_classes: whether rare classes count more, by weights taken from the data.
        crop: (rows, cols) of the window cut from a photo; empty for whole photos.
        scales: smallest and largest random scale.
        mirror: whether half of the photos are mirrored.
        autocast: compute in bfloat16 where that is safe, on devices that have it.
        seed: of sample order, augmentation and dropout.

    Raises:
        TrainingError: naming the value and what it may be.
    """

    description: str
    max_iter: int
    batch_size: int = 1
    iter_size: int = 1
    solver: Literal["sgd", "adamw"] = "sgd"
    base_lr: float
    lr_policy: Policy
    power: float = 0.9
    gamma: float = 0.1
    stepsize: int = 1
    momentum: float = 0.9
    weight_decay: float
    bias_lr_mult: float = 2.0
    bias_decay_mult: float = 0.0
    classifier_lr_mult: float = 1.0
    layer_rates: tuple[str, ...] = ()
    classifier_init: Literal["xavier", "zero"] = "xavier"
    loss: Literal["sum", "mean"] = "sum"
    weigh_classes: bool = False
    crop: tuple[int, ...] = ()
    scales: tuple[float, ...] = (1.0, 1.0)
    mirror: bool = False
    autocast: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Make lists tuples and whole numbers floats where that is meant, then check."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "float" and _is_int(value):
                value = float(value)
            elif isinstance(value, list):
                value = tuple(value)
            if field.name == "scales" and isinstance(value, tuple) and all(map(_is_number, value)):
                value = tuple(map(float, value))
            object.__setattr__(self, field.name, value)
            allowed, words = ALLOWED[field.name]
            if not allowed(value):
                raise TrainingError(f"{field.name} must be {words}, not {value!r}")

    @property
    def images(self) -> int:
        """Images of one iteration."""
        return self.batch_size * self.iter_size

    @property
    def multipliers(self) -> Multipliers:
        """Factors on rate and decay by the kind of parameter."""
        layers = ((p, float(f)) for p, _, f in (each.partition("=") for each in self.layer_rates))
        return Multipliers(
            self.bias_lr_mult, self.bias_decay_mult, self.classifier_lr_mult, tuple(layers)
        )

    def rate(self, iteration: int) -> float:
        """Return the learning rate of iteration 0, 1, ..."""
        return learning_rate(
            iteration,
            policy=self.lr_policy,
            base_lr=self.base_lr,
            max_iter=self.max_iter,
            power=self.power,
            gamma=self.gamma,
            stepsize=self.stepsize,
        )

    def override(self, **values: Any) -> Recipe:
        """Return the recipe with other values.

        Raises:
            TrainingError: if a recipe has no such value, or it cannot be that.
        """
        _check_names(values)
        return replace(self, **values)

    def to_toml(self) -> str:
        """Write every value; ``from_toml`` reads it."""
        return to_toml(asdict(self))

    @classmethod
    def from_toml(cls, text: str) -> Recipe:
        """Read what ``to_toml`` wrote; values that are left out take their defaults.

        Raises:
            TrainingError: if it is not TOML or no complete recipe.
        """
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise TrainingError(f"recipe is not TOML: {error}") from error
        return cls.from_table(values)

    @classmethod
    def from_table(cls, values: Mapping[str, Any]) -> Recipe:
        """Make a recipe of names and values.

        Raises:
            TrainingError: if a name is unknown or missing, or a value cannot be that.
        """
        _check_names(values)
        required = ("description", "max_iter", "base_lr", "lr_policy", "weight_decay")
        if missing := [name for name in required if name not in values]:
            raise TrainingError(f"recipe lacks {', '.join(missing)}")
        return cls(**values)


def parse_setting(text: str) -> tuple[str, Any]:
    """Split ``name=value`` as typed on a command line; the value is TOML, or a bare word.

    Raises:
        TrainingError: if it has no ``=``.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise TrainingError(f"a setting is written name=value, not {text!r}")
    try:
        return name.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name.strip(), value.strip()


def _check_names(values: Mapping[str, Any]) -> None:
    for name in values:
        if name not in ALLOWED:
            raise TrainingError(f"a recipe has no {name!r}; it has {', '.join(ALLOWED)}")


def _is_int(value: object) -> bool:
    """Say whether it is a whole number as TOML has them: of 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _is_number(value: object) -> bool:
    return (_is_int(value) or isinstance(value, float)) and isfinite(value)  # type: ignore[arg-type]


def _whole(least: int) -> tuple[Callable[[Any], bool], str]:
    return lambda x: _is_int(x) and x >= least, f"a whole number of at least {least}"


def _one_of(*words: str) -> tuple[Callable[[Any], bool], str]:
    return lambda x: isinstance(x, str) and x in words, f"one of {', '.join(words)}"


_NOT_NEGATIVE = (lambda x: _is_number(x) and x >= 0, "a number of at least 0")
_ABOVE_ZERO = (lambda x: _is_number(x) and x > 0, "a number above 0")
_SHARE = (lambda x: _is_number(x) and 0 <= x < 1, "a number from 0 up to but not 1")
_SWITCH = (lambda x: isinstance(x, bool), "true or false")


def _is_window(value: object) -> bool:
    if not isinstance(value, tuple) or len(value) not in (0, 2):
        return False
    return all(_is_int(side) and side >= 1 for side in value)


def _is_range(value: object) -> bool:
    if not isinstance(value, tuple) or len(value) != 2:
        return False
    return all(map(_is_number, value)) and 0 < value[0] <= value[1]


def _is_rates(value: object) -> bool:
    return isinstance(value, tuple) and all(
        isinstance(each, str) and re.fullmatch(r"[^=\s]+=\d+(\.\d*)?(e-?\d+)?", each)
        for each in value
    )


ALLOWED: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "description": (lambda x: isinstance(x, str), "text"),
    "max_iter": _whole(1),
    "batch_size": _whole(1),
    "iter_size": _whole(1),
    "solver": _one_of("sgd", "adamw"),
    "base_lr": _ABOVE_ZERO,
    "lr_policy": _one_of("fixed", "poly", "step"),
    "power": _NOT_NEGATIVE,
    "gamma": _ABOVE_ZERO,
    "stepsize": _whole(1),
    "momentum": _SHARE,
    "weight_decay": _NOT_NEGATIVE,
    "bias_lr_mult": _NOT_NEGATIVE,
    "bias_decay_mult": _NOT_NEGATIVE,
    "classifier_lr_mult": _NOT_NEGATIVE,
    "layer_rates": (_is_rates, "a list of PATTERN=FACTOR, such as conv1_*=0.1"),
    "classifier_init": _one_of("xavier", "zero"),
    "loss": _one_of("sum", "mean"),
    "weigh_classes": _SWITCH,
    "crop": (_is_window, "two whole numbers above 0, rows and cols, or none"),
    "scales": (_is_range, "two numbers above 0, the smaller first"),
    "mirror": _SWITCH,
    "autocast": _SWITCH,
    "seed": _whole(0),
}
