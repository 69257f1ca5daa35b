"""Probing many images and units: order, failures, and going on after an interruption."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.arguments.output import opened_folder
from cli.arguments.picture import PHOTO, load_picture

if TYPE_CHECKING:
    import erf
    from cli.arguments.model import LoadedModel
    from erf.settings import Settings

    Result = erf.UnitResult | erf.LayerResult

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm"})
SKIPPED = "skipped.json"
VERSION = 2
"""Of run.json. Version 1, without this number, held the keywords of a function of then."""


def find_images(paths: Sequence[Path]) -> list[Path | None]:
    """Files to probe on, folders unfolded in the order of names; None is the photo we come with.

    Raises:
        click.BadParameter: when a folder holds no image.
    """
    found: list[Path | None] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
        if not inside:
            raise click.BadParameter(f"--image {path}: the folder holds no image")
        found += inside
    return found or [None]


def strongest_images(
    images: Sequence[Path | None],
    loaded: LoadedModel,
    layer: str,
    channel: int,
    *,
    top: int,
    image_size: tuple[int, int] | None,
) -> list[Path | None]:
    """The images that excite a channel most, the strongest first (Zhou et al. 2015).

    Images that cannot be read come last, for `Series.run` to refuse or to skip and record.
    """
    from erf.probing import rank_specimens

    subjects: list[erf.Subject] = []
    readable, bad = [], []
    for path in images:
        try:
            picture = load_picture(path, image_size)
        except click.BadParameter:
            bad.append(path)
            continue
        subjects.append(_subject(loaded, picture, path, subjects[0] if subjects else None))
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
        images: files, None for the photo we come with.
        image_size: to scale and crop to, or None.
        settings: `erf.Noise`, `erf.Occlusion` or `erf.Gradient`.
        skip_bad: whether to leave out an image that cannot be read.
    """

    loaded: LoadedModel
    layer: str
    unit: str
    channel: int | None
    images: Sequence[Path | None]
    image_size: tuple[int, int] | None
    settings: Settings = field(repr=False)
    skip_bad: bool = False

    def describe(self) -> dict[str, Any]:
        """What was asked for, JSON-compatible: two equal ones give equal results."""
        from erf.model import hash_weights

        return {
            "version": VERSION,
            "model": self.loaded.name,
            "weights_sha256": hash_weights(self.loaded.model),
            "layer": self.layer,
            "unit": self.unit,
            "channel": self.channel,
            "images": [None if path is None else str(path.resolve()) for path in self.images],
            "image_size": self.image_size,
            "settings": self.settings.to_json(),
        }

    def run(self, folder: Path, run: dict[str, Any]) -> Iterator[tuple[Path, Result]]:
        """Probe image after image; what the folder holds already is read, not measured again.

        A probe that was interrupted goes on with the patches that are missing.

        Args:
            folder: made when there is something to put in it.
            run: what `describe` says, noted in the folder.

        Raises:
            click.BadParameter: when an image cannot be read and bad ones are not skipped, or none
                can be read.
        """
        import erf

        subject: erf.Subject | None = None
        skipped = []
        for index, path in enumerate(self.images):
            place = folder / self._label(index, path)
            if not place.exists():
                try:
                    picture = load_picture(path, self.image_size)
                except click.BadParameter as error:
                    if not self.skip_bad:
                        raise
                    skipped.append({"index": index, "image": str(path), "reason": error.message})
                    click.echo(f"skipped {error.message}", err=True)
                    continue
                subject = _subject(self.loaded, picture, path, subject)
                with opened_folder(folder, run):
                    self._measure(subject, index, place)
            places = [place] if place.suffix else sorted(place.glob("*.zarr"))
            yield from ((each, erf.open(each)) for each in places)
        _note_skipped(folder, skipped, len(self.images))

    def _label(self, index: int, path: Path | None) -> str:
        """Name of an image's result; a folder of results where there are several units."""
        stem = (
            "result" if len(self.images) == 1 else f"{index:03d}-{path.stem if path else 'photo'}"
        )
        return stem if self.unit.startswith("grid:") else f"{stem}.zarr"

    def _measure(self, subject: erf.Subject, index: int, place: Path) -> None:
        """Write one result, or a folder of them, whole or not at all."""
        import erf
        from erf.atomic import new_folder
        from erf.geometry import parse_unit
        from erf.settings import Disturbance

        settings, layer, channel = self.settings, self.layer, self.channel
        if isinstance(settings, Disturbance):
            settings = replace(settings, image_index=index)
        journal = place.with_name(f".{place.stem}.journal")
        if self.unit.startswith("grid:"):
            results = subject.probe_units(
                layer, self.unit, settings, channel=channel, journal=journal, progress=True
            )
            with new_folder(place) as staging:
                for each in results:
                    erf.save(each, staging / "{},{}.zarr".format(*each.unit))
        else:
            unit = parse_unit(self.unit)
            result = subject.probe(
                layer, settings, unit=unit, channel=channel, journal=journal, progress=True
            )
            erf.save(result, place)
        shutil.rmtree(journal, ignore_errors=True)


def _subject(
    loaded: LoadedModel, picture: Any, path: Path | None, former: erf.Subject | None
) -> erf.Subject:
    """The model on a picture; of the former's size, it shares the export."""
    import erf

    image, name = loaded.input_space.tensor(picture), PHOTO if path is None else path.name
    if former is not None:
        return former.on(image, image_name=name, picture=picture)
    return erf.Subject(loaded.model, image, loaded.name, image_name=name, picture=picture)


def _note_skipped(folder: Path, skipped: list[dict[str, Any]], images: int) -> None:
    """Keep which images were left out, and why.

    Raises:
        click.BadParameter: when all of them were.
    """
    from erf.atomic import write_text

    if len(skipped) == images:
        raise click.BadParameter(f"--image: none of {images} images can be read")
    if skipped:
        write_text(folder / SKIPPED, json.dumps(skipped, indent=2) + "\n", replace=True)
    else:
        (folder / SKIPPED).unlink(missing_ok=True)
