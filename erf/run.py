"""Running plans: borrow the model, find the targets, choose the engine, add up its readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from erf.borrow import borrowed, placed_like
from erf.draws import Exactly, UntilPrecise, take_draws
from erf.engines.choose import Choice, choose_engine
from erf.engines.engine import Change
from erf.errors import ExportError, SettingError
from erf.geometry import PatchGrid, Target
from erf.graph import Graph, try_export
from erf.journal import Journal, Record, Unrecorded
from erf.observe import observe_maps
from erf.plan import Plan
from erf.provenance import describe, hash_image
from erf.result import ProbeResult
from erf.stimulus import Canvas, change_patches, find_stimulus
from erf.tally import LayerTally, Tally, UnitTally
from erf.target import clean_activation, find_target
from erf.theoretical.summary import layer_theory, theoretical_extent


@dataclass(frozen=True)
class Watched:
    """What a plan's words mean on this image.

    Attributes:
        plan: the settings.
        target: the unit that is watched, or the whole layer.
        activation: clean response of the layer: one channel, or the L2 norm over channels.
    """

    plan: Plan
    target: Target
    activation: Float[Tensor, "rows cols"]

    def tally(self, grid: PatchGrid) -> Tally:
        """What adds up this target's readings."""
        if self.target.unit is not None:
            return UnitTally(grid.shape)
        rows, cols = self.activation.shape
        return LayerTally(grid.shape, (rows, cols))


def run_plans(
    model: nn.Module,
    image: Float[Tensor, "c h w"],
    plans: Sequence[Plan],
    *,
    rule: Exactly | UntilPrecise,
    batch_size: int | None = None,
    memory: str = "4 GiB",
    other: Float[Tensor, "c h w"] | None = None,
    picture: UInt8[np.ndarray, "h w 3"] | None = None,
    name: str | None = None,
    image_name: str | None = None,
    journal: str | Path | None = None,
    progress: bool = False,
) -> list[ProbeResult]:
    """Run plans that differ in nothing but their target, all in one pass."""
    grid = _grid(image, plans[0], batch_size)
    with borrowed(model):
        image = placed_like(model, image)
        change = _changes(plans[0], image, grid, other)
        graph = try_export(model, (1, *image.shape))
        watched = watch(model, image, plans, graph)
        choice = _choose(model, image, watched, grid, change, batch_size, memory, graph)
        notes = {"engine": choice.to_json(), "draws": asdict(rule)}
        provenance = describe(model, image, name=name, image_name=image_name, extra=notes)
        record: Record = Unrecorded(grid)
        if journal is not None:
            asked = {"batch_size": batch_size, "memory": memory}
            asked["other"] = None if other is None else hash_image(other)
            record = Journal(Path(journal), grid, asked | _request(watched, provenance))
        tallies = [each.tally(grid) for each in watched]
        taken = take_draws(
            rule, choice.engine, grid, change, tallies, record=record, progress=progress
        )
    return [
        _result(each, tally, taken, image, picture, choice.graph, provenance)
        for each, tally in zip(watched, tallies, strict=True)
    ]


def watch(
    model: nn.Module,
    image: Float[Tensor, "c h w"],
    plans: Sequence[Plan],
    graph: Graph | ExportError,
) -> list[Watched]:
    """Run the model once and find the plans' targets.

    Args:
        model: in evaluation mode.
        image: on its device.
        plans: what is asked for.
        graph: of the model, or why there is none.

    Raises:
        LayerError: there is no such layer, or its output is not a map.
        UnitError: the unit or channel is outside the layer.
    """
    maps = observe_maps(model, image[None], [plan.layer for plan in plans], graph)
    watched = []
    for plan in plans:
        activation = clean_activation(maps[plan.layer][0], plan.channel, plan.layer)
        target = find_target(activation, plan.unit, plan.channel, plan.layer)
        watched.append(Watched(plan, target, activation))
    return watched


def _grid(image: Float[Tensor, "c h w"], plan: Plan, batch_size: int | None) -> PatchGrid:
    if image.ndim != 3:
        raise SettingError(f"image of shape {tuple(image.shape)} must be (channels, rows, cols)")
    if batch_size is not None and batch_size < 1:
        raise SettingError(f"batch_size {batch_size} must be at least 1")
    return PatchGrid((image.shape[1], image.shape[2]), plan.patch, plan.stride)


def _choose(
    model: nn.Module,
    image: Float[Tensor, "c h w"],
    watched: Sequence[Watched],
    grid: PatchGrid,
    change: Change,
    batch_size: int | None,
    memory: str,
    graph: Graph | ExportError,
) -> Choice:
    return choose_engine(
        watched[0].plan.engine,
        model,
        image,
        [each.target for each in watched],
        grid=grid,
        change=change,
        activations=[float(each.activation.abs().max()) for each in watched],
        batch_size=batch_size,
        memory=memory,
        graph=graph,
    )


def _request(watched: Sequence[Watched], provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Everything else that decides a number: two equal ones give the same bits."""
    return {
        "plans": [each.plan.to_json() for each in watched],
        "draws": provenance["draws"],
        "image": provenance["image"]["sha256"],
        "weights": provenance["model"]["weights_sha256"],
        "engine": provenance["engine"]["name"],
        "device": provenance["device"],
        "dtype": provenance["dtype"],
        "software": provenance["software"],
    }


def _result(
    watched: Watched,
    tally: Tally,
    taken: int,
    image: Float[Tensor, "c h w"],
    picture: UInt8[np.ndarray, "h w 3"] | None,
    graph: Graph | None,
    provenance: Mapping[str, Any],
) -> ProbeResult:
    target = watched.target
    return ProbeResult(
        discrepancy=tally.mean(),
        standard_error=tally.standard_error(),
        samples=tally.samples,
        target=target,
        plan=replace(watched.plan, draws=taken),
        activation=watched.activation.cpu().float().numpy(),
        image=image.cpu().float().numpy(),
        picture=picture,
        theory=theoretical_extent(graph, target),
        layer_theory=None if target.unit else layer_theory(graph, target.layer),
        provenance=provenance,
    )


def _changes(plan: Plan, image: Tensor, grid: PatchGrid, other: Tensor | None) -> Change:
    """The plan's stimulus as a function of (patches, draws), on the image's device."""
    find_stimulus(plan.stimulus)
    channels = len(image)
    sigma = np.atleast_1d(np.asarray(plan.sigma, dtype=np.float32))
    if len(sigma) not in (1, channels):
        raise SettingError(f"sigma has {len(sigma)} values for an image of {channels} channels")
    if other is not None and other.shape != image.shape:
        raise SettingError(
            f"the other image has shape {tuple(other.shape)}, this one {tuple(image.shape)}"
        )
    canvas = Canvas(
        image.cpu().float().numpy(),
        np.broadcast_to(sigma, (channels,)).reshape(-1, 1, 1),
        other=None if other is None else other.cpu().float().numpy(),
        blur=plan.patch / 2,
    )

    def change(patches: np.ndarray, draws: np.ndarray) -> Tensor:
        added = change_patches(
            plan.stimulus,
            canvas,
            grid,
            patches=patches,
            draws=draws,
            seed=plan.seed,
            image=plan.image_index,
        )
        return torch.from_numpy(added).to(image)

    return change
