"""Probing many images and units: order, failures, and going on after an interruption."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.arguments.output import opened_folder
from cli.arguments.picture import load_picture

if TYPE_CHECKING:
    import erf
    from cli.arguments.model import LoadedModel

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm"})
SKIPPED = "skipped.json"


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
    from erf.occlusion import rank_images

    tensors, readable, bad = [], [], []
    for path in images:
        try:
            tensors.append(loaded.input_space.tensor(load_picture(path, image_size)))
            readable.append(path)
        except click.BadParameter:
            bad.append(path)
    if not tensors:
        return bad
    ranked = rank_images(loaded.model, tensors, layer, channel)[:top]
    return [readable[index] for _, index in ranked] + bad


@dataclass(frozen=True)
class Series:
    """The same question asked on every image.

    Attributes:
        loaded: the model.
        layer: module path.
        unit: ``center``, ``max``, ``all``, ``ROW,COL`` or ``grid:N``.
        method: ``noise``, ``occlusion`` or ``gradient``.
        images: files, None for the photo we come with.
        image_size: to scale and crop to, or None.
        settings: keywords of `erf.probe` or `erf.gradient_field`.
        skip_bad: whether to leave out an image that cannot be read.
    """

    loaded: LoadedModel
    layer: str
    unit: str
    method: str
    images: Sequence[Path | None]
    image_size: tuple[int, int] | None
    settings: dict[str, Any] = field(repr=False)
    skip_bad: bool = False

    def describe(self) -> dict[str, Any]:
        """What was asked for, JSON-compatible: two equal ones give equal results."""
        from erf.provenance import hash_weights

        return {
            "model": self.loaded.name,
            "weights_sha256": hash_weights(self.loaded.model),
            "layer": self.layer,
            "unit": self.unit,
            "method": self.method,
            "images": [None if path is None else str(path.resolve()) for path in self.images],
            "image_size": self.image_size,
            "settings": self.settings,
        }

    def run(self, folder: Path, run: dict[str, Any]) -> Iterator[tuple[Path, erf.ProbeResult]]:
        """Probe image after image; what the folder holds already is read, not measured again.

        A probe that was interrupted goes on with the patches that are missing.

        Args:
            folder: made when there is something to put in it.
            run: what `describe` says, noted in the folder.

        Raises:
            click.BadParameter: when an image cannot be read and bad ones are not skipped.
        """
        import erf

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
                journal = place.with_name(f".{place.stem}.journal")
                with opened_folder(folder, run):
                    results = self._measure(picture, index, _name(path), journal)
                _save(results, place)
                shutil.rmtree(journal, ignore_errors=True)
            places = [place] if place.suffix else sorted(place.glob("*.zarr"))
            yield from ((each, erf.open(each)) for each in places)
        if skipped:
            (folder / SKIPPED).write_text(json.dumps(skipped, indent=2) + "\n")

    def _label(self, index: int, path: Path | None) -> str:
        """Name of an image's result; a folder of results where there are several units."""
        stem = (
            "result" if len(self.images) == 1 else f"{index:03d}-{path.stem if path else 'photo'}"
        )
        return stem if self.unit.startswith("grid:") else f"{stem}.zarr"

    def _measure(self, picture: Any, index: int, name: str, journal: Path) -> list[erf.ProbeResult]:
        import erf
        from erf.geometry import parse_unit

        model, image = self.loaded.model, self.loaded.input_space.tensor(picture)
        known = {"picture": picture, "name": self.loaded.name, "image_name": name}
        known |= self.settings
        if self.method == "gradient":
            unit = parse_unit(self.unit)
            return [erf.gradient_field(model, image, self.layer, unit=unit, **known)]
        known |= {"image_index": index, "progress": True}
        if self.unit.startswith("grid:"):
            return erf.probe_units(model, image, self.layer, self.unit, journal=journal, **known)
        unit = parse_unit(self.unit)
        return [erf.probe(model, image, self.layer, unit=unit, journal=journal, **known)]


def _name(path: Path | None) -> str:
    return "grace_hopper.jpg" if path is None else path.name


def _save(results: Sequence[erf.ProbeResult], place: Path) -> None:
    """Write one result, or a folder of them, whole or not at all."""
    import erf

    if place.suffix:
        erf.save(results[0], place)
        return
    staging = place.with_name(f".{place.name}")
    shutil.rmtree(staging, ignore_errors=True)
    for result in results:
        assert result.target.unit is not None
        erf.save(result, staging / "{},{}.zarr".format(*result.target.unit))
    staging.rename(place)
