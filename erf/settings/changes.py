"""Settings field by field, as keywords of the short forms."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Literal, TypedDict, TypeVar

import numpy as np
from jaxtyping import Float

from erf.errors import SettingError
from erf.settings.draws import OneByOne, Until
from erf.settings.given import NamedStimulus, OtherImage
from erf.settings.method import Method
from erf.stimulus import Stimulus

Kind = TypeVar("Kind", bound=Method)


class DisturbanceChanges(TypedDict, total=False):
    """Fields of `Noise` and `Occlusion` as keywords of the short forms."""

    patch: int
    stride: int | None
    draws: int | Until | OneByOne | Literal["auto"]
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


def changed(settings: Kind, changes: Mapping[str, Any]) -> Kind:
    """Settings with some fields replaced; a patch brings its own stride unless one is given.

    Raises:
        SettingError: when there is no such field, with near names.
    """
    known = [each.name for each in fields(settings)]
    for name in changes:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise SettingError(
                f"{settings.method} has no setting {name!r}; there are {', '.join(known)}{hint}"
            )
    if "patch" in changes and "stride" not in changes:
        changes = {**changes, "stride": None}
    return replace(settings, **changes)
