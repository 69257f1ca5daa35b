"""Settings of probes that disturb patches: noise and occlusion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from jaxtyping import Float

from erf.errors import SettingError
from erf.memory import parse_memory
from erf.settings.draws import OneByOne, Rule, Until
from erf.settings.given import NamedStimulus, OtherImage
from erf.settings.method import Method, check_whole
from erf.stimulus import Stimulus

ENGINES = ("auto", "dense", "delta")
MOST = 1e30
"""Of sigma; single precision ends at 3e38."""


@dataclass(frozen=True)
class Disturbance(Method):
    """A window slides over the image, a stimulus disturbs its pixels: `Noise` and `Occlusion`.

    Attributes:
        patch: side of the window, pixels.
        stride: its step, pixels; None for the patch. The last row and column are shifted inward to
            the border.
        draws: random realisations of the stimulus a patch, or `until` the size is known
            (``"auto"`` for ``until()``); `OneByOne` to look at each before the next.
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
        memory: budget of what the result and the disturbances take beside the model, its clean
            maps and one pass, such as ``"4 GiB"``.

    Raises:
        SettingError: naming a field that is out of range, its value and its limit.
    """

    joint: ClassVar[bool] = False

    patch: int = 16
    stride: int | None = None
    draws: int | Until | OneByOne | Literal["auto"] = 8
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
        _set(self, "other", None if self.other is None else OtherImage.of(self.other))
        self._check()

    def _check(self) -> None:
        check_whole("patch", self.patch, 1)
        check_whole("stride", self.stride, 1)
        if self.stride > self.patch:  # type: ignore[operator]
            raise SettingError(
                f"stride {self.stride} is larger than patch {self.patch}: pixels would be left out"
            )
        if not isinstance(self.draws, Until | OneByOne):
            if isinstance(self.draws, str):
                raise SettingError(f"draws {self.draws!r} is neither a number nor 'auto'")
            check_whole("draws", self.draws, 1)
        for sigma in self.sigma if isinstance(self.sigma, tuple) else (self.sigma,):
            if not 1 / MOST <= sigma <= MOST:  # not so if it is no number, either
                raise SettingError(
                    f"sigma {self.sigma} must be positive and finite, {1 / MOST:g} to {MOST:g}"
                )
        for name in ("seed", "image_index"):
            check_whole(name, getattr(self, name), 0, 2**63 - 1)
        if self.engine not in ENGINES:
            raise SettingError(f"engine {self.engine!r} is none of {', '.join(ENGINES)}")
        if self.batch_size is not None:
            check_whole("batch_size", self.batch_size, 1)
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
    def rule(self) -> Rule:
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
    draws: int | Until | OneByOne | Literal["auto"] = 1
    stimulus: str | Stimulus | NamedStimulus = "replace"

    def __post_init__(self) -> None:
        if self.stride is None:
            _set(self, "stride", min(3, self.patch))
        super().__post_init__()


def _set(settings: Disturbance, name: str, value: object) -> None:
    """Put a field of a frozen class into the form it is kept in."""
    object.__setattr__(settings, name, value)


def _numbers(sigma: Any) -> float | tuple[float, ...]:
    try:
        if np.ndim(sigma) == 0:
            return float(sigma)
        return tuple(float(each) for each in sigma)
    except (TypeError, ValueError):
        raise SettingError(f"sigma {sigma!r} must be a number, or one a channel") from None
