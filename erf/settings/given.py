"""What a user gives that is more than a number: a stimulus, another image."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float32

from erf.errors import SettingError
from erf.stimulus import STIMULI, Stimulus, find_stimulus, hash_source


@dataclass(frozen=True, eq=False)
class OtherImage:
    """The image from which the stimulus ``other`` takes its pixels, equal where its bytes are.

    Attributes:
        pixels: in the model's input space.
        sha256: of type, shape and bytes.
    """

    pixels: Float32[np.ndarray, "channels rows cols"] = field(repr=False)

    @classmethod
    def of(cls, image: Any) -> OtherImage:
        """The image given as an array, a tensor, or as it is kept.

        Raises:
            SettingError: when it is not (channels, rows, cols).
        """
        return image if isinstance(image, OtherImage) else cls(_pixels(image))

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
        source_sha256: of the function's source; None for one of this package's own.
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
            function = find_stimulus(given)
            return cls(given, None if STIMULI.is_own(given) else hash_source(function), function)
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
        if self.function is not None:
            return self.function
        if self.source_sha256 is None:
            return find_stimulus(self.name)
        if self.name in STIMULI and NamedStimulus.of(self.name) == self:
            return find_stimulus(self.name)
        raise SettingError(
            f"stimulus {self.name!r} was a function of the user's (source sha256 "
            f"{self.source_sha256[:12]}...), which a saved result does not hold: give it again, by "
            "replace(result.settings, stimulus=function)"
        )


def _pixels(image: Any) -> Float32[np.ndarray, "channels rows cols"]:
    """An image given as an array or a tensor."""
    values = np.asarray(image.detach().cpu() if hasattr(image, "detach") else image, np.float32)
    if values.ndim != 3:
        raise SettingError(f"the other image has shape {values.shape}, not (channels, rows, cols)")
    return values
