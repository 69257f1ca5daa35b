"""Probing many images and units: order, failures, and going on after an interruption."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from erf.atomic import new_folder, write_text
from erf.bands import read_image
from erf.errors import LayerError, PhotoError, StoreError
from erf.geometry import parse_unit
from erf.model import hash_weights
from erf.photo import hash_file
from erf.probing import rank_specimens
from erf.results import LayerResult, UnitResult, open_result, save
from erf.results.group import write_group
from erf.settings import Disturbance, Settings
from erf.sources import LoadedModel
from erf.study.folder import RunFolder
from erf.study.plan import check_unit
from erf.subject import Subject

SKIPPED = "skipped.json"


def strongest_images(
    images: Sequence[Path],
    loaded: LoadedModel,
    layer: str,
    channel: int,
    *,
    top: int,
    image_size: tuple[int, int] | None,
) -> list[Path]:
    """The images that excite a channel most, the strongest first (Zhou et al. 2015).

    Images that cannot be read come last, for `Series.run` to refuse or to skip and record.
    """
    subjects: list[Subject] = []
    readable, bad = [], []
    for path in images:
        try:
            photo = read_image(path, image_size, loaded.input_space.channels)
        except PhotoError:
            bad.append(path)
            continue
        subjects.append(loaded.subject(photo, subjects[0] if subjects else None))
        readable.append(path)
    if not subjects:
        return bad
    ranked = rank_specimens(subjects, layer, channel)[:top]
    return [readable[index] for _, index in ranked] + bad


@dataclass(frozen=True)
class Series:
    """The same question asked on every image.

    Attributes:
        loaded: the model.
        layer: module path.
        unit: ``center``, ``max``, ``all``, ``ROW,COL`` or ``grid:N``.
        channel: of the layer, or None.
        images: files of photos.
        image_size: to scale and crop to, or None.
        settings: `erf.Noise`, `erf.Occlusion` or `erf.Gradient`.
        skip_bad: whether to leave out an image that cannot be read.

    Raises:
        LayerError: when the layer's name is empty.
    """

    loaded: LoadedModel
    layer: str
    unit: str
    channel: int | None
    images: Sequence[Path]
    image_size: tuple[int, int] | None
    settings: Settings = field(repr=False)
    skip_bad: bool = False

    def __post_init__(self) -> None:
        if not self.layer:  # as of a shell's variable that is not set
            raise LayerError("layer '' is no name; what the model itself puts out is called output")
        check_unit(self.unit)

    def describe(self) -> dict[str, Any]:
        """What was asked for, JSON-compatible: two equal ones give equal results."""
        return {
            "model": self.loaded.name,
            "weights_sha256": hash_weights(self.loaded.model),
            "random_numbers": self.loaded.chance,
            "layer": self.layer,
            "unit": self.unit,
            "channel": self.channel,
            "images": [str(path.resolve()) for path in self.images],
            "image_size": self.image_size,
            "settings": self.settings.to_json(),
            **({"inputs": dict(described)} if (described := self.loaded.inputs.describe()) else {}),
            **({"reading": dict(self.loaded.reading)} if self.loaded.reading else {}),
        }

    def run(
        self, folder: RunFolder, *, on_skip: Callable[[str], None] | None = None
    ) -> Iterator[tuple[Path, UnitResult | LayerResult]]:
        """Probe image after image; what the folder holds already is read, not measured again.

        A probe that was interrupted goes on with the patches that are missing.

        Args:
            folder: for the results, its request what `describe` says.
            on_skip: told why an image was left out.

        Raises:
            PhotoError: when an image cannot be read and bad ones are not skipped, or none can be.
            StoreError: when another process is at work in the folder, or a photo is another one
                than when it was measured there.
        """
        with folder.held():
            for index, path in enumerate(self.images):
                _refuse_replaced(path, folder.path / self._label(index, path))
            subject: Subject | None = None
            skipped = []
            for index, path in enumerate(self.images):
                place = folder.path / self._label(index, path)
                if not place.exists():
                    try:
                        channels = self.loaded.input_space.channels
                        photo = read_image(path, self.image_size, channels)
                    except PhotoError as error:
                        if not self.skip_bad:
                            raise
                        note = {"index": index, "image": str(path), "reason": str(error)}
                        skipped.append(note)
                        if on_skip is not None:
                            on_skip(f"skipped {error}")
                        continue
                    subject = self.loaded.subject(photo, subject)
                    self._measure(subject, index, place)
                yield from ((each, open_result(each)) for each in _results(place))
            _note_skipped(folder.path, skipped, len(self.images))

    def _label(self, index: int, path: Path) -> str:
        """Name of an image's result; a folder of results where there are several units."""
        stem = "result" if len(self.images) == 1 else f"{index:03d}-{path.stem}"
        return stem if self.unit.startswith("grid:") else f"{stem}.zarr"

    def _measure(self, subject: Subject, index: int, place: Path) -> None:
        """Write one result, or a folder of them, whole or not at all."""
        settings, layer, channel = self.settings, self.layer, self.channel
        if isinstance(settings, Disturbance):
            settings = replace(settings, image_index=index)
        journal = place.with_name(f".{place.stem}.journal")
        if self.unit.startswith("grid:"):
            results = subject.probe_units(
                layer, self.unit, settings, channel=channel, journal=journal, progress=True
            )
            with new_folder(place) as staging:
                write_group(staging)
                for each in results:
                    save(each, staging / "{},{}.zarr".format(*each.unit))
        else:
            unit = parse_unit(self.unit)
            result = subject.probe(
                layer, settings, unit=unit, channel=channel, journal=journal, progress=True
            )
            save(result, place)
        shutil.rmtree(journal, ignore_errors=True)


def _results(place: Path) -> list[Path]:
    """One result, or those of several units in a folder."""
    return [place] if place.suffix == ".zarr" else sorted(place.glob("*.zarr"))


def _refuse_replaced(path: Path, place: Path) -> None:
    """Refuse a photo that is another one than when it was measured.

    Raises:
        StoreError: naming the photo and its result.
    """
    measured = _results(place) if place.exists() else []
    if not measured or not path.is_file():
        return
    known = open_result(measured[0]).origin["image"].get("photo", {}).get("sha256")
    if known is not None and known != hash_file(path):
        raise StoreError(
            f"{path}: is not the photo any more that was measured for {measured[0]}; name a new "
            "folder"
        )


def _note_skipped(folder: Path, skipped: list[dict[str, Any]], images: int) -> None:
    """Keep which images were left out, and why.

    Raises:
        PhotoError: when all of them were.
    """
    if len(skipped) == images:
        raise PhotoError(f"none of {images} images can be read")
    if skipped:
        write_text(folder / SKIPPED, json.dumps(skipped, indent=2) + "\n", replace=True)
    else:
        (folder / SKIPPED).unlink(missing_ok=True)
