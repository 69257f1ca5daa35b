"""What goes between a tab and the worker. Everything here can cross to another process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Float32, Float64, UInt8

from erf.geometry import Box, PatchGrid
from erf.measures import Measurement
from erf.model import Layer
from erf.results import UnitResult
from figures.explorer.question import Question

Keepsake = Literal["result", "figure", "page"]


@dataclass(frozen=True)
class Dropped:
    """An image that was dropped on the page.

    Attributes:
        name: of the file, as the browser told it.
        content: its bytes.
    """

    name: str
    content: bytes


@dataclass(frozen=True)
class Place:
    """A side of a tab, and which of its questions: an answer to an older one is not shown.

    Attributes:
        tab: its number.
        side: 0 or 1.
        number: of the question, counted by the tab.
    """

    tab: int
    side: int
    number: int


@dataclass(frozen=True)
class Ask:
    """A question; it takes the place of the former one of its side.

    Attributes:
        place: where the answer goes.
        question: what is asked.
        image: dropped on the page, None for the first.
    """

    place: Place
    question: Question
    image: Dropped | None = None


@dataclass(frozen=True)
class Keep:
    """Keep what the sides of a tab show: ``result`` in the folder, ``figure`` or ``page``."""

    place: Place
    what: Keepsake
    sides: int


@dataclass(frozen=True)
class Stop:
    """Nothing more is wanted of a side."""

    tab: int
    side: int


@dataclass(frozen=True)
class Leave:
    """A tab was closed."""

    tab: int


Request = Ask | Keep | Stop | Leave


@dataclass(frozen=True)
class Ready:
    """The worker can be asked: what the models are called, what there is to say of them."""

    models: tuple[str, ...]
    notes: tuple[str, ...]
    sigma: float
    sigma_unit: str
    drops: bool


@dataclass(frozen=True)
class Failed:
    """The worker could not begin, or has died."""

    words: str


@dataclass(frozen=True)
class Opened:
    """An image and the layers that the model has on it.

    Attributes:
        levels: the image as a person sees it.
        layers: all that can be asked about.
        stages: names of those that make sense to ask about first.
    """

    place: Place
    levels: UInt8[np.ndarray, "rows cols 3"]
    image_name: str
    layers: tuple[Layer, ...]
    stages: tuple[str, ...]


@dataclass(frozen=True)
class Responded:
    """The layer's clean response, and what the unit could hear."""

    place: Place
    layer: str
    unit: tuple[int, int]
    activation: Float32[np.ndarray, "unit_rows unit_cols"]
    box: Box | None
    theory: str
    grid: PatchGrid


@dataclass(frozen=True)
class Foreseen:
    """A look before the first draw, as shares of the peak."""

    place: Place
    field: Float64[np.ndarray, "patch_rows patch_cols"]
    patch: int
    stride: int


@dataclass(frozen=True)
class Grown:
    """The result after some draws, with its measurement."""

    place: Place
    result: UnitResult
    measurement: Measurement
    wanted: int


@dataclass(frozen=True)
class Reached:
    """Whom a patch reaches, after some draws."""

    place: Place
    patch: tuple[int, int]
    field: Float[np.ndarray, "unit_rows unit_cols"]
    draws: int


@dataclass(frozen=True)
class Refused:
    """Why there is no answer."""

    place: Place
    words: str


@dataclass(frozen=True)
class Kept:
    """What was kept: a path, or bytes for the browser to download under a name."""

    place: Place
    words: str
    name: str = ""
    content: bytes = b""


Report = Ready | Failed | Opened | Responded | Foreseen | Grown | Reached | Refused | Kept
