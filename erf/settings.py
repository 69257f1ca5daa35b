"""Settings: everything that decides a probe's numbers, one frozen class a method.

Together with the model, the image and the target they decide every number of a result; a result
keeps them (``result.settings``) and can be asked for again with them.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Literal, TypedDict, TypeVar

import numpy as np
from jaxtyping import Float, Float32

from erf.errors import SettingError
from erf.memory import parse_memory
from erf.stimulus import STIMULI, Stimulus, find_stimulus, hash_source

ENGINES = ("auto", "dense", "delta")
REDUCTIONS = ("absolute", "squared", "rectified")


@dataclass(frozen=True)
class Until:
    """Take draws until the size of every unit is known well enough.

    Attributes:
        tolerance: wanted half-width of the size's 95 % interval, relative to the size.
        limit: no more draws than this.
    """

    tolerance: float = 0.02
    limit: int = 64

    def __post_init__(self) -> None:
        if not self.tolerance > 0:
            raise SettingError(f"tolerance {self.tolerance} must be positive")
        if self.limit < 2:
            raise SettingError(f"limit {self.limit} must be at least 2 draws: one has no spread")


def until(tolerance: float = 0.02, *, limit: int = 64) -> Until:
    """As many draws as make the 95 % interval of a size narrower than twice the tolerance.

    Args:
        tolerance: half-width of the interval, relative to the size.
        limit: no more draws than this.

    Raises:
        SettingError: the tolerance is not positive, or the limit below 2.

    Example:
        >>> Noise(patch=8, draws=until(0.05)).draws
        Until(tolerance=0.05, limit=64)
    """
    return Until(tolerance, limit)


@dataclass(frozen=True, eq=False)
class OtherImage:
    """The image from which the stimulus ``other`` takes its pixels, equal where its bytes are.

    Attributes:
        pixels: in the model's input space.
        sha256: of type, shape and bytes.
    """

    pixels: Float32[np.ndarray, "channels rows cols"] = field(repr=False)

    @property
    def sha256(self) -> str:
        """Of shape and bytes."""
        head = f"float32 {self.pixels.shape}\n".encode()
        return hashlib.sha256(head + np.ascontiguousarray(self.pixels).tobytes()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OtherImage) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)


@dataclass(frozen=True)
class NamedStimulus:
    """A stimulus and how to recognise it.

    Attributes:
        name: under which it is registered, or the function's own.
        source_sha256: of the source of a user's function; None for a registered one.
        function: what is called; None where only its name was read back from a result.
    """

    name: str
    source_sha256: str | None = None
    function: Stimulus | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, given: str | Stimulus | NamedStimulus) -> NamedStimulus:
        """The stimulus that a user means.

        Raises:
            SettingError: when nothing of that name is registered.
        """
        if isinstance(given, NamedStimulus):
            return given
        if isinstance(given, str):
            return cls(given, None, find_stimulus(given))
        if not callable(given):
            raise SettingError(
                f"stimulus {given!r} is neither one of {', '.join(sorted(STIMULI))} nor a function"
            )
        return cls(getattr(given, "__name__", type(given).__name__), hash_source(given), given)

    @property
    def callable(self) -> Stimulus:
        """What is called.

        Raises:
            SettingError: when it is a user's function that is not at hand, or registered no more.
        """
        if self.function is None and self.source_sha256 is None:
            return find_stimulus(self.name)
        if self.function is None:
            raise SettingError(
                f"stimulus {self.name!r} was a function of the user's (source sha256 "
                f"{str(self.source_sha256)[:12]}...), which a saved result does not hold: give it "
                "again, by replace(result.settings, stimulus=function)"
            )
        return self.function


@dataclass(frozen=True)
class Method:
    """What all settings have in common: see `Noise`, `Occlusion`, `Gradient`.

    Attributes:
        method: its name, by class.
        joint: whether a draw is one event for the whole map, so that intervals resample it whole;
            else each patch has independent draws of its own.
    """

    method: ClassVar[str]
    joint: ClassVar[bool]

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible; `settings_from_json` reads it back."""
        return {"method": self.method} | {
            each.name: _plain(getattr(self, each.name)) for each in fields(self)
        }


@dataclass(frozen=True)
class Disturbance(Method):
    """A window slides over the image, a stimulus disturbs its pixels: `Noise` and `Occlusion`.

    Attributes:
        patch: side of the window, pixels.
        stride: its step, pixels; None for the patch. The last row and column are shifted inward to
            the border.
        draws: random realisations of the stimulus a patch, or `until` the size is known
            (``"auto"`` for ``until()``).
        sigma: strength of additive noise in the model's input space, one number or one a channel.
        stimulus: a registered name (`erf.stimulus.STIMULI`), or a function
            ``(canvas, box, rng) -> change``.
        other: the image from which the stimulus ``other`` takes its pixels.
        seed: of the stimulus, a pure function of (seed, image_index, patch, draw).
        image_index: which image of a series this is; the stimulus depends on it.
        engine: ``dense`` runs whole images, ``delta`` propagates the change, ``auto`` takes delta
            where the two agree.
        batch_size: disturbances at a time; None lets the engine choose. Changes the result by
            rounding at most.
        memory: budget of the delta engine, such as ``"4 GiB"``.

    Raises:
        SettingError: naming a field that is out of range, its value and its limit.
    """

    joint: ClassVar[bool] = False

    patch: int = 16
    stride: int | None = None
    draws: int | Until | Literal["auto"] = 8
    sigma: float | tuple[float, ...] = 0.1
    stimulus: str | Stimulus | NamedStimulus = "gaussian"
    other: Float[np.ndarray, "channels rows cols"] | OtherImage | None = None
    seed: int = 0
    image_index: int = 0
    engine: str = "auto"
    batch_size: int | None = None
    memory: str = "4 GiB"

    def __post_init__(self) -> None:
        _set(self, "stride", self.patch if self.stride is None else self.stride)
        _set(self, "draws", Until() if self.draws == "auto" else self.draws)
        _set(self, "sigma", _numbers(self.sigma))
        _set(self, "stimulus", NamedStimulus.of(self.stimulus))
        if self.other is not None and not isinstance(self.other, OtherImage):
            _set(self, "other", OtherImage(_pixels(self.other)))
        self._check()

    def _check(self) -> None:
        _whole("patch", self.patch, 1)
        _whole("stride", self.stride, 1)
        if self.stride > self.patch:  # type: ignore[operator]
            raise SettingError(
                f"stride {self.stride} is larger than patch {self.patch}: pixels would be left out"
            )
        if not isinstance(self.draws, Until):
            if isinstance(self.draws, str):
                raise SettingError(f"draws {self.draws!r} is neither a number nor 'auto'")
            _whole("draws", self.draws, 1)
        for sigma in self.sigma if isinstance(self.sigma, tuple) else (self.sigma,):
            if not (math.isfinite(sigma) and sigma > 0):
                raise SettingError(f"sigma {self.sigma} must be positive and finite")
        for name in ("seed", "image_index"):
            _whole(name, getattr(self, name), 0, 2**63 - 1)
        if self.engine not in ENGINES:
            raise SettingError(f"engine {self.engine!r} is none of {', '.join(ENGINES)}")
        if self.batch_size is not None:
            _whole("batch_size", self.batch_size, 1)
        parse_memory(self.memory)

    @property
    def step(self) -> int:
        """The stride, which is the patch unless given."""
        assert self.stride is not None
        return self.stride

    @property
    def disturbing(self) -> NamedStimulus:
        """The stimulus, found."""
        assert isinstance(self.stimulus, NamedStimulus)
        return self.stimulus

    @property
    def rule(self) -> int | Until:
        """How many draws, or until when."""
        assert not isinstance(self.draws, str)
        return self.draws

    @property
    def other_image(self) -> OtherImage | None:
        """The other image, if there is one."""
        assert self.other is None or isinstance(self.other, OtherImage)
        return self.other


@dataclass(frozen=True)
class Noise(Disturbance):
    """Random noise in a sliding window (ParseNet, Liu, Rabinovich and Berg 2015).

    Fields: see `Disturbance`.

    Example:
        >>> Noise(patch=8).stride
        8
        >>> Noise(patch=8, stride=9)
        Traceback (most recent call last):
        erf.errors.SettingError: stride 9 is larger than patch 8: pixels would be left out
    """

    method: ClassVar[str] = "noise"


@dataclass(frozen=True)
class Occlusion(Disturbance):
    """Random pixels in small windows close together (Zhou et al. 2015): patch 11, stride 3.

    Fields: see `Disturbance`. A stride above a smaller patch must be given: it is 3, or the patch
    where that is less.

    Example:
        >>> Occlusion().stride, Occlusion(patch=2).stride
        (3, 2)
    """

    method: ClassVar[str] = "occlusion"

    patch: int = 11
    draws: int | Until | Literal["auto"] = 1
    stimulus: str | Stimulus | NamedStimulus = "replace"

    def __post_init__(self) -> None:
        if self.stride is None:
            _set(self, "stride", min(3, self.patch))
        super().__post_init__()


@dataclass(frozen=True)
class Gradient(Method):
    """The derivative of a unit with respect to every pixel (Luo et al. 2016).

    Attributes:
        reduce: over colours: ``absolute`` sums |gradient| (Luo et al. 2016); ``squared`` sums its
            square, sigma² of which is the mean squared discrepancy of weak noise; ``rectified`` is
            RepLKNet's raw map, the positive part of the gradient of the channels' rectified sum,
            without projections.
        projections: how many random ones stand for the channels of a unit without a channel.
        seed: of the projections.

    Raises:
        SettingError: naming a field that is out of range, its value and its limit.

    Example:
        >>> Gradient(reduce="sum")
        Traceback (most recent call last):
        erf.errors.SettingError: reduce 'sum' is none of absolute, squared, rectified
    """

    method: ClassVar[str] = "gradient"
    joint: ClassVar[bool] = True
    patch: ClassVar[int] = 1
    step: ClassVar[int] = 1

    reduce: str = "absolute"
    projections: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        if self.reduce not in REDUCTIONS:
            raise SettingError(f"reduce {self.reduce!r} is none of {', '.join(REDUCTIONS)}")
        _whole("projections", self.projections, 1)
        _whole("seed", self.seed, 0, 2**63 - 1)


Settings = Disturbance | Gradient
METHODS: dict[str, type[Noise | Occlusion | Gradient]] = {
    each.method: each for each in (Noise, Occlusion, Gradient)
}


class DisturbanceChanges(TypedDict, total=False):
    """Fields of `Noise` and `Occlusion` as keywords of the short forms."""

    patch: int
    stride: int | None
    draws: int | Until | Literal["auto"]
    sigma: float | tuple[float, ...]
    stimulus: str | Stimulus | NamedStimulus
    other: Float[np.ndarray, "channels rows cols"] | OtherImage | None
    seed: int
    image_index: int
    engine: str
    batch_size: int | None
    memory: str


class GradientChanges(TypedDict, total=False):
    """Fields of `Gradient` as keywords of the short forms."""

    reduce: str
    projections: int
    seed: int


Kind = TypeVar("Kind", bound=Method)


def changed(settings: Kind, changes: Mapping[str, Any]) -> Kind:
    """Settings with some fields replaced; a patch brings its own stride unless one is given.

    Raises:
        SettingError: when there is no such field, with near names.
    """
    known = [each.name for each in fields(settings)]
    for name in changes:
        if name not in known:
            raise SettingError(
                f"{settings.method} has no setting {name!r}; there are {', '.join(known)}"
            )
    if "patch" in changes and "stride" not in changes:
        changes = {**changes, "stride": None}
    return replace(settings, **changes)


def settings_from_json(values: Mapping[str, Any]) -> Settings:
    """The settings that `Method.to_json` wrote; the pixels of an ``other`` image are kept apart.

    Raises:
        SettingError: for an unknown method or a field that is out of range.
    """
    values = dict(values)
    kind = METHODS.get(values.pop("method", ""))
    if kind is None:
        raise SettingError(f"method is none of {', '.join(METHODS)}")
    if isinstance(values.get("draws"), Mapping):
        values["draws"] = Until(**values["draws"])
    if isinstance(values.get("sigma"), list):
        values["sigma"] = tuple(values["sigma"])
    if isinstance(values.get("stimulus"), Mapping):
        values["stimulus"] = _recall(values["stimulus"])
    values.pop("other", None)
    try:
        return kind(**values)
    except TypeError as error:
        raise SettingError(f"settings of {kind.method}: {error}") from None


def _recall(values: Mapping[str, Any]) -> NamedStimulus:
    """A stimulus by its name alone: a result can be read where its stimulus is not at hand."""
    return NamedStimulus(values["name"], values.get("source_sha256"))


def _plain(value: Any) -> Any:
    if isinstance(value, Until):
        return {"tolerance": value.tolerance, "limit": value.limit}
    if isinstance(value, NamedStimulus):
        return {"name": value.name, "source_sha256": value.source_sha256}
    if isinstance(value, OtherImage):
        return {"sha256": value.sha256}
    return list(value) if isinstance(value, tuple) else value


def _set(settings: Method, name: str, value: object) -> None:
    """Put a field of a frozen class into the form it is kept in."""
    object.__setattr__(settings, name, value)


def _whole(name: str, value: Any, least: int, most: int | None = None) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise SettingError(f"{name} {value!r} must be a whole number")
    if most is None and value < least:
        raise SettingError(f"{name} {value} must be at least {least}")
    if most is not None and not least <= value <= most:
        raise SettingError(f"{name} {value} must lie in {least} to 2**63 - 1")


def _numbers(sigma: Any) -> float | tuple[float, ...]:
    try:
        if np.ndim(sigma) == 0:
            return float(sigma)
        return tuple(float(each) for each in sigma)
    except (TypeError, ValueError):
        raise SettingError(f"sigma {sigma!r} must be a number, or one a channel") from None


def _pixels(image: Any) -> Float32[np.ndarray, "channels rows cols"]:
    """An image given as an array or a tensor."""
    values = np.asarray(image.detach().cpu() if hasattr(image, "detach") else image, np.float32)
    if values.ndim != 3:
        raise SettingError(f"the other image has shape {values.shape}, not (channels, rows, cols)")
    return values
