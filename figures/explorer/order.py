"""What a worker is to explore: models by name, or a subject that is there already."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from PIL import Image, UnidentifiedImageError

from erf.bands import read_image
from erf.errors import PhotoError, SettingError
from erf.photo import Photo, printable
from erf.sources import Choice, LoadedModel
from erf.subject import Subject
from figures.explorer.messages import Dropped

LONGEST = 640
"""Pixels of the longer side of a photo that is taken as it is; a larger one is scaled to it."""


@runtime_checkable
class Specimens(Protocol):
    """Models that can be put on images.

    Attributes:
        names: of the models.
        notes: what a user should know of them.
        sigma: usual strength of the noise.
        sigma_unit: in which that is said.
        drops: whether other images can be dropped.
    """

    names: tuple[str, ...]
    notes: tuple[str, ...]
    sigma: float
    sigma_unit: str
    drops: bool

    def subject(self, model: int, image: Dropped | None) -> Subject:
        """A model on an image, the first one where none was dropped.

        Raises:
            PhotoError: when the image cannot be read; else as of `LoadedModel.subject`.
        """
        ...

    def sigma_of(self, model: int, sigma: float) -> float | tuple[float, ...]:
        """The strength of noise in a model's input space."""
        ...


@runtime_checkable
class Order(Protocol):
    """What a worker opens before it begins."""

    @property
    def out(self) -> Path:
        """Folder for what is kept."""
        ...

    @property
    def layer(self) -> str | None:
        """To begin with; None for the one that makes most sense."""
        ...

    def open(self) -> Specimens:
        """Find the models; whatever is wrong with them or the image is said now."""
        ...


@dataclass(frozen=True)
class ByName:
    """Models named on the command line; each worker loads them for itself.

    Attributes:
        choice: what was said of them.
        names: one or two.
        image: the first photo.
        image_size: to scale and crop to, None for the photo's own, at most `LONGEST`.
        out: folder for what is kept.
        layer: to begin with.
    """

    choice: Choice
    names: tuple[str, ...]
    image: Path
    image_size: tuple[int, int] | None
    out: Path
    layer: str | None = None

    def open(self) -> Loaded:
        """Load the models.

        Raises:
            SourceError: when one cannot be had.
            PhotoError: when the photo cannot be read.
        """
        models = [self.choice.load(name, self.image_size) for name in self.names]
        found = Loaded(models, self.image, self.image_size)
        found.subject(0, None)
        return found


@dataclass(frozen=True, eq=False)
class OfSubject:
    """A subject that is there already.

    Attributes:
        subject: it alone, on its own image.
        out: folder for what is kept.
        layer: to begin with.
    """

    subject: Subject
    out: Path
    layer: str | None = None

    def open(self) -> Alone:
        """It is there."""
        return Alone(self.subject)


class Loaded:
    """Models that know how they want their photos."""

    sigma, sigma_unit, drops = 25.0, "grey levels", True
    names: tuple[str, ...]
    notes: tuple[str, ...]

    def __init__(
        self, models: list[LoadedModel], first: Path, size: tuple[int, int] | None
    ) -> None:
        self._models, self._first, self._size = models, first, size
        self.names = tuple(model.label for model in models)
        self.notes = tuple(note for model in models for note in model.notes)

    def subject(self, model: int, image: Dropped | None) -> Subject:
        """See `Specimens`; those of one size share an export."""
        loaded = self._models[model]
        return loaded.subject(self._photo(loaded, image))

    def sigma_of(self, model: int, sigma: float) -> tuple[float, ...]:
        """Grey levels, a channel each."""
        return self._models[model].input_space.sigma(sigma)

    def _photo(self, loaded: LoadedModel, image: Dropped | None) -> Photo:
        size, channels = self._size or loaded.size, loaded.input_space.channels
        if image is None:
            return read_image(self._first, size or fitting(self._first), channels)
        return read_dropped(image, lambda path: read_image(path, size or fitting(path), channels))


class Alone:
    """A subject on its own image: how its model wants photos is not known."""

    sigma, sigma_unit, drops = 0.1, "of the model's input", False
    names: tuple[str, ...]
    notes: tuple[str, ...]

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.names = (subject.name or type(subject.model).__name__,)
        self.notes = ()

    def subject(self, model: int, image: Dropped | None) -> Subject:
        """See `Specimens`.

        Raises:
            SettingError: for an image that was dropped.
        """
        if image is not None:
            raise SettingError(
                f"{printable(image.name)}: how this model wants photos is not known; "
                "erf.load_model(NAME).subject(photo) knows it, and so does erf explore NAME"
            )
        return self._subject

    def sigma_of(self, model: int, sigma: float) -> float:
        """As it is."""
        return sigma


def fitting(path: Path) -> tuple[int, int] | None:
    """The size to which a photo is scaled whose longer side is above `LONGEST`; else None."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            if image.getexif().get(0x0112, 1) >= 5:  # lies on its side
                width, height = height, width
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError):
        return None  # what reads it says why it cannot be read
    longest = max(width, height)
    if longest <= LONGEST:
        return None
    rows, cols = (max(1, round(side * LONGEST / longest)) for side in (height, width))
    return rows, cols


def read_dropped(image: Dropped, read: Callable[[Path], Photo]) -> Photo:
    """Read an image from its bytes; what is said of it names the file that was dropped."""
    name = printable(image.name)
    suffix = Path(name.replace("\0", "")).suffix.lower()
    kind = suffix if suffix[1:].isalnum() and len(suffix) <= 5 else ""
    with tempfile.TemporaryDirectory(prefix="erf-explore-") as folder:
        path = Path(folder, f"dropped{kind}")
        path.write_bytes(image.content)
        try:
            photo = read(path)
        except PhotoError as error:
            raise PhotoError(str(error).replace(str(path), name)) from None
    return replace(photo, name=name)


def key_of(image: Dropped | None) -> str:
    """What tells images apart."""
    if image is None:
        return ""
    return hashlib.sha256(image.name.encode("utf-8", "replace") + b"\0" + image.content).hexdigest()
