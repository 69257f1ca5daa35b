"""One pass over the patches: find the targets, choose the engine, add up its readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from erf.engines.choose import Choice, Work, choose_engine
from erf.engines.engine import Disturb
from erf.engines.report import EngineReport
from erf.errors import SettingError
from erf.geometry import PatchGrid, Target, UnitName
from erf.memory import parse_memory
from erf.model import Specimen
from erf.probing.cost import Cost, cost_of
from erf.probing.draws import most_draws, take_draws
from erf.probing.journal import Journal, Unrecorded
from erf.probing.tally import LayerTally, Tally, UnitTally
from erf.probing.target import clean_activation, find_target
from erf.results import LayerResult, UnitResult
from erf.settings import Disturbance, Until
from erf.stimulus import Canvas, change_patches


@dataclass(frozen=True)
class Asked:
    """A target in a user's words.

    Attributes:
        layer: module path.
        unit: ``center``, ``max``, ``all`` or (row, col).
        channel: one channel, or None for the L2 norm over all.
    """

    layer: str
    unit: UnitName = "center"
    channel: int | None = None


@dataclass(frozen=True)
class Watched:
    """What was asked for, found on this image.

    Attributes:
        target: the unit that is watched, or the whole layer.
        activation: clean response of the layer: one channel, or the L2 norm over channels.
    """

    target: Target
    activation: Float[Tensor, "rows cols"]

    def tally(self, grid: PatchGrid) -> Tally:
        """What adds up this target's readings."""
        if self.target.unit is not None:
            return UnitTally(grid.shape)
        rows, cols = self.activation.shape
        return LayerTally(grid.shape, (rows, cols))


def run(
    specimen: Specimen,
    asked: Sequence[Asked],
    settings: Disturbance,
    *,
    journal: str | Path | None = None,
    progress: bool = False,
) -> list[UnitResult | LayerResult]:
    """Disturb every patch, and watch all targets in one pass.

    Args:
        specimen: the model and the image.
        asked: the targets.
        settings: what decides the numbers.
        journal: a new folder, or that of the same probe, which goes on there.
        progress: show a bar on standard error.

    Raises:
        SettingError: a number does not fit this image, or the results do not fit memory or disk.
        LayerError: there is no such layer, or its output is not a map.
        UnitError: a unit or channel is outside its layer.
        ExportError: ``engine="delta"`` and the model cannot be exported.
        ModelError: the model is random, or it, the image or an output is not finite.
        StoreError: the journal's folder holds something else, or the journal of another probe.
    """
    place = None if journal is None else Path(journal)
    with specimen.lent():
        ready = prepare(specimen, asked, settings, journal=place, announce=progress)
        asks = request_of(ready.watched, settings, ready.origin, ready.choice.report)
        record = Unrecorded(ready.grid) if place is None else Journal(place, ready.grid, asks)
        taken = take_draws(
            *(settings.rule, ready.choice.engine, ready.grid, ready.disturb, ready.tallies),
            record=record,
            progress=progress,
        )
    return ready.results(specimen, settings, taken)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A pass that could begin.

    Attributes:
        watched: the targets.
        grid: of patches.
        disturb: the stimulus.
        choice: the engine.
        origin: of the model, the image and the software.
        tallies: one a target, empty.
    """

    watched: Sequence[Watched]
    grid: PatchGrid
    disturb: Disturb
    choice: Choice
    origin: Mapping[str, Any]
    tallies: Sequence[Tally]

    def results(
        self, specimen: Specimen, settings: Disturbance, draws: int
    ) -> list[UnitResult | LayerResult]:
        """What the tallies hold after some draws, as results."""
        return [
            _result(specimen, each, tally, settings, draws, self.choice.report, self.origin)
            for each, tally in zip(self.watched, self.tallies, strict=True)
        ]


def prepare(
    specimen: Specimen,
    asked: Sequence[Asked],
    settings: Disturbance,
    *,
    journal: Path | None = None,
    announce: bool = False,
) -> Prepared:
    """Find the targets, make sure of memory and disk, choose the engine; within `Specimen.lent`.

    Args: as of `run`; ``announce`` says on standard error what is needed, if that is much.

    Raises: as `run`.
    """
    grid = PatchGrid(specimen.image_size, settings.patch, settings.step)
    disturb = disturbance_of(settings, specimen.image, grid)
    flight = specimen.preflight()
    watched = watch(specimen, asked)
    if isinstance(settings.rule, Until) and any(each.target.unit is None for each in watched):
        raise SettingError("draws 'auto' judges the size of one unit, not of a whole layer")
    cost = _cost(watched, grid, settings, journal)
    left = cost.check(journal, parse_memory(settings.memory))
    if announce:
        cost.announce()
    work = Work(
        specimen.model,
        specimen.image,
        [each.target for each in watched],
        grid,
        disturb,
        [float(each.activation.abs().max()) for each in watched],
        specimen.graph,
        left,
    )
    dead = [each.layer for each in asked if each.layer in flight.dead]
    notes = (*flight.notes, *map(dead_note, dead))
    choice = choose_engine(settings, work, alone=flight.alone, notes=notes)
    tallies = [each.tally(grid) for each in watched]
    return Prepared(watched, grid, disturb, choice, specimen.origin(), tallies)


def _cost(
    watched: Sequence[Watched], grid: PatchGrid, settings: Disturbance, journal: Path | None
) -> Cost:
    sizes = [(each.activation.shape[0], each.activation.shape[1]) for each in watched]
    draws = most_draws(settings.rule)
    targets = [each.target for each in watched]
    return cost_of(targets, sizes, grid, draws, journal=journal is not None)


def dead_note(layer: str) -> str:
    """What is said of a layer that answers the clean image with nothing."""
    return f"the clean output of layer {layer!r} is one and the same number everywhere"


def watch(specimen: Specimen, asked: Sequence[Asked]) -> list[Watched]:
    """Run the model once and find the targets.

    Raises:
        LayerError: there is no such layer, or its output is not a map.
        UnitError: a unit or channel is outside its layer.
    """
    maps = specimen.observe([each.layer for each in asked])
    watched = []
    for each in asked:
        activation = clean_activation(maps[each.layer], each.channel, each.layer)
        target = find_target(activation, each.unit, each.channel, each.layer)
        watched.append(Watched(target, activation))
    return watched


def disturbance_of(settings: Disturbance, image: Tensor, grid: PatchGrid) -> Disturb:
    """The settings' stimulus as a function of (patches, draws), on the image's device.

    Raises:
        SettingError: when sigma or the other image does not fit the image.
    """
    channels, stimulus = len(image), settings.disturbing.callable
    sigma = np.atleast_1d(np.asarray(settings.sigma, dtype=np.float32))
    if len(sigma) not in (1, channels):
        raise SettingError(f"sigma has {len(sigma)} values for an image of {channels} channels")
    other = settings.other_image
    if other is not None and other.pixels.shape != tuple(image.shape):
        raise SettingError(
            f"the other image has shape {other.pixels.shape}, this one {tuple(image.shape)}"
        )
    canvas = Canvas(
        image.cpu().float().numpy(),
        np.broadcast_to(sigma, (channels,)).reshape(-1, 1, 1),
        other=None if other is None else other.pixels,
        blur=settings.patch / 2,
    )

    def disturb(patches: np.ndarray, draws: np.ndarray) -> Tensor:
        added = change_patches(
            stimulus,
            canvas,
            grid,
            patches=patches,
            draws=draws,
            seed=settings.seed,
            image=settings.image_index,
        )
        return torch.from_numpy(added).to(image)

    return disturb


def request_of(
    watched: Sequence[Watched],
    settings: Disturbance,
    origin: Mapping[str, Any],
    engine: EngineReport,
) -> dict[str, Any]:
    """Everything that decides a number: two equal ones give the same bits."""
    return {
        "targets": [str(each.target) for each in watched],
        "settings": settings.to_json(),
        "image": origin["image"]["sha256"],
        "weights": origin["model"]["weights_sha256"],
        **({"inputs": origin["inputs"]} if "inputs" in origin else {}),
        "engine": engine.name,
        "device": torch.device(origin["device"]).type,  # another of its kind goes on
        "dtype": origin["dtype"],
        "software": origin["software"],
    }


def _result(
    specimen: Specimen,
    watched: Watched,
    tally: Tally,
    settings: Disturbance,
    draws: int,
    engine: EngineReport,
    origin: Mapping[str, Any],
) -> UnitResult | LayerResult:
    target = watched.target
    known: dict[str, Any] = {
        "discrepancy": tally.mean(),
        "standard_error": tally.standard_error(),
        "target": target,
        "settings": settings,
        "draws": draws,
        "joint": settings.joint,
        "engine": engine,
        "activation": watched.activation.cpu().float().numpy(),
        "image": specimen.image.cpu().float().numpy(),
        "picture": None if specimen.photo is None else specimen.photo.levels,
        "origin": origin,
    }
    theory = specimen.find_theory(target.layer)
    if target.unit is None:
        return LayerResult(theory=theory, **known)
    found = None if theory is None else theory.unit(target.unit)
    return UnitResult(samples=tally.samples, theory=found, **known)
