"""What a tab asks: a unit or a patch of a layer, and the settings. No browser, no tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from erf.errors import SettingError
from erf.settings import Gradient, Noise, Occlusion, OneByOne, Settings

METHODS = ("noise", "occlusion", "gradient")
CRITERIA = ("mass", "peak", "participation", "square")
MOST_DRAWS = 256
MEMORY = "1 GiB"
"""Of a batch of patches: the next click waits for the batch in hand, so it must not be large."""


@dataclass(frozen=True)
class Manner:
    """How every side is asked.

    Attributes:
        method: ``noise``, ``occlusion`` or ``gradient``.
        patch, stride: pixels; the stride None for the method's own.
        sigma: of the noise, in the unit that the model's images are given in.
        draws: to go on to.
        criterion: of the size, as of `erf.measure`.
    """

    method: str = "noise"
    patch: int = 32
    stride: int | None = None
    sigma: float = 25.0
    draws: int = 8
    criterion: str = "mass"

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise SettingError(f"method {self.method!r} is none of {', '.join(METHODS)}")
        if self.criterion not in CRITERIA:
            raise SettingError(f"criterion {self.criterion!r} is none of {', '.join(CRITERIA)}")
        if not 1 <= self.draws <= MOST_DRAWS:
            raise SettingError(f"draws {self.draws} must lie in 1 to {MOST_DRAWS}")
        self.settings((self.sigma,))

    def settings(self, sigma: float | tuple[float, ...]) -> Settings:
        """Of a probe, with the noise's strength in the model's input space.

        Raises:
            SettingError: when a number is out of range.

        Example:
            >>> Manner(patch=16, draws=4).settings(0.1).draws
            OneByOne(count=4)
        """
        if self.method == "gradient":
            return Gradient()
        kind = Noise if self.method == "noise" else Occlusion
        return kind(
            patch=self.patch,
            stride=self.stride,
            draws=OneByOne(self.draws),
            sigma=sigma,
            memory=MEMORY,
        )


@dataclass(frozen=True)
class Question:
    """One side of a tab.

    Attributes:
        model: which of the models.
        layer: None for the one that makes most sense.
        unit: (row, col), None for the centre.
        channel: of the layer, None for the L2 norm over all.
        patch: (row, col) of a patch of the grid whose projective field is wanted, or None.
        manner: how it is asked.
    """

    model: int = 0
    layer: str | None = None
    unit: tuple[int, int] | None = None
    channel: int | None = None
    patch: tuple[int, int] | None = None
    manner: Manner = Manner()


def read_questions(text: str, models: int) -> list[Question]:
    """The questions that a page has sent, a side each.

    Args:
        text: JSON.
        models: how many there are.

    Raises:
        SettingError: when something is missing, of another kind or out of range; naming it.

    Example:
        >>> text = '{"sides": [{"layer": "fc7", "unit": [7, 7]}], "method": "noise", "patch": 16}'
        >>> [question.unit for question in read_questions(text, models=1)]
        [(7, 7)]
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise SettingError("what the page sent is no JSON") from None
    sides = found.get("sides") if isinstance(found, dict) else None
    if not isinstance(sides, list) or len(sides) not in (1, 2):
        raise SettingError("the page must ask of one side or two")
    manner = Manner(
        method=_text(found, "method", "noise"),
        patch=_whole(found, "patch", 32),
        stride=_maybe(found, "stride"),
        sigma=_number(found, "sigma", 25.0),
        draws=_whole(found, "draws", 8),
        criterion=_text(found, "criterion", "mass"),
    )
    return [_side(side, manner, models) for side in sides]


def _side(values: Any, manner: Manner, models: int) -> Question:
    if not isinstance(values, dict):
        raise SettingError(f"side {values!r} is no table")
    model = _whole(values, "model", 0)
    if not 0 <= model < models:
        raise SettingError(f"model {model} must lie in 0 to {models - 1}")
    layer = values.get("layer")
    return Question(
        model=model,
        layer=None if layer is None else _text(values, "layer", ""),
        unit=_pair(values, "unit"),
        channel=_maybe(values, "channel"),
        patch=_pair(values, "patch"),
        manner=manner,
    )


def _text(values: Mapping[str, Any], name: str, usual: str) -> str:
    found = values.get(name, usual)
    if not isinstance(found, str):
        raise SettingError(f"{name} {found!r} must be a name")
    return found


def _whole(values: Mapping[str, Any], name: str, usual: int) -> int:
    found = values.get(name, usual)
    if isinstance(found, bool) or not isinstance(found, int):
        raise SettingError(f"{name} {found!r} must be a whole number")
    return found


def _maybe(values: Mapping[str, Any], name: str) -> int | None:
    return None if values.get(name) is None else _whole(values, name, 0)


def _number(values: Mapping[str, Any], name: str, usual: float) -> float:
    found = values.get(name, usual)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise SettingError(f"{name} {found!r} must be a number")
    return float(found)


def _pair(values: Mapping[str, Any], name: str) -> tuple[int, int] | None:
    found = values.get(name)
    if found is None:
        return None
    if not isinstance(found, list) or len(found) != 2:
        raise SettingError(f"{name} {found!r} must be a row and a column")
    row, col = ({name: each} for each in found)
    return _whole(row, name, 0), _whole(col, name, 0)
