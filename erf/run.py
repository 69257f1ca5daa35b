"""Running plans: borrow the model, find the targets, choose the engine, add up its readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from erf.borrow import borrowed, placed_like
from erf.draws import Exactly, UntilPrecise, take_draws
from erf.engines.choose import choose_engine
from erf.engines.engine import Change
from erf.errors import SettingError
from erf.geometry import PatchGrid, Target
from erf.layers import observe
from erf.plan import Plan
from erf.provenance import describe
from erf.result import ProbeResult
from erf.stimulus import Canvas, change_patches, find_stimulus
from erf.tally import LayerTally, Tally, UnitTally
from erf.target import clean_activation, find_target
from erf.theoretical.summary import layer_theory, theoretical_extent


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
    progress: bool = False,
) -> list[ProbeResult]:
    """Run plans that differ in nothing but their target, all in one pass."""
    if image.ndim != 3:
        raise SettingError(f"image of shape {tuple(image.shape)} must be (channels, rows, cols)")
    if batch_size is not None and batch_size < 1:
        raise SettingError(f"batch_size {batch_size} must be at least 1")
    plan = plans[0]
    grid = PatchGrid((image.shape[1], image.shape[2]), plan.patch, plan.stride)
    with borrowed(model):
        image = placed_like(model, image)
        change = _changes(plan, image, grid, other)
        maps = observe(model, image[None], [plan.layer for plan in plans])
        activations = [
            clean_activation(response[0], plan.channel, plan.layer)
            for response, plan in zip(maps, plans, strict=True)
        ]
        targets = [
            find_target(activation, plan.unit, plan.channel, plan.layer)
            for activation, plan in zip(activations, plans, strict=True)
        ]
        choice = choose_engine(
            plan.engine,
            model,
            image,
            targets,
            grid=grid,
            change=change,
            activations=[float(activation.abs().max()) for activation in activations],
            batch_size=batch_size,
            memory=memory,
        )
        tallies = [_tally(grid, *pair) for pair in zip(targets, activations, strict=True)]
        taken = take_draws(rule, choice.engine, grid, change, tallies, progress=progress)
    notes = {"engine": choice.to_json(), "draws": asdict(rule)}
    provenance = describe(model, image, name=name, image_name=image_name, extra=notes)
    return [
        ProbeResult(
            discrepancy=tally.mean(),
            standard_error=tally.standard_error(),
            samples=tally.samples,
            target=target,
            plan=replace(plan, draws=taken),
            activation=activation.cpu().float().numpy(),
            image=image.cpu().float().numpy(),
            picture=picture,
            theory=theoretical_extent(choice.graph, target),
            layer_theory=None if target.unit else layer_theory(choice.graph, target.layer),
            provenance=provenance,
        )
        for tally, target, plan, activation in zip(
            tallies, targets, plans, activations, strict=True
        )
    ]


def _tally(grid: PatchGrid, target: Target, activation: Float[Tensor, "rows cols"]) -> Tally:
    if target.unit is not None:
        return UnitTally(grid.shape)
    rows, cols = activation.shape
    return LayerTally(grid.shape, (rows, cols))


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
