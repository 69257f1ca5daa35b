"""The probe: disturb patches of an image, measure how much units of a model change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from erf.borrow import borrowed, placed_like
from erf.engines.choose import choose_engine
from erf.engines.engine import Change, Engine
from erf.errors import SettingError, UnitError
from erf.geometry import PatchGrid, Target, UnitName, locate
from erf.graph import Graph
from erf.layers import observe
from erf.plan import Plan
from erf.progress import progress_bar
from erf.provenance import describe
from erf.result import ProbeResult, TheoreticalExtent
from erf.stimulus import Canvas, change_patches, find_stimulus
from erf.tally import LayerTally, Tally, UnitTally
from erf.theoretical.analyse import analyse


def probe(
    model: nn.Module,
    image: Float[Tensor, "3 h w"],
    layer: str,
    *,
    unit: UnitName = "center",
    channel: int | None = None,
    patch: int = 16,
    stride: int = 16,
    draws: int = 8,
    sigma: float | tuple[float, ...] = 0.1,
    stimulus: str = "gaussian",
    engine: str = "auto",
    batch_size: int | None = None,
    memory: str = "4 GiB",
    seed: int = 0,
    image_index: int = 0,
    other: Float[Tensor, "3 h w"] | None = None,
    picture: UInt8[np.ndarray, "h w 3"] | None = None,
    name: str | None = None,
    progress: bool = False,
) -> ProbeResult:
    """Measure the empirical receptive field of a unit, or of every unit of a layer.

    A patch slides over the image; in each place a stimulus disturbs its pixels, ``draws`` times,
    and the L2 change of the unit is averaged (ParseNet, Liu, Rabinovich and Berg 2015).

    Args:
        model: any module that takes a batch of images; handed back exactly as found.
        image: in the model's input space.
        layer: module path, such as ``fc7`` or ``features.28``.
        unit: ``center``, ``max`` (the strongest clean response), (row, col), or ``all`` for the
            influence of every patch on every unit.
        channel: one channel, or None for the L2 norm over all.
        patch: side of the patch, pixels.
        stride: its step, pixels; the last row and column are shifted inward to the border.
        draws: random realisations per patch.
        sigma: strength of the noise in input space; one number or one a channel.
        stimulus: a name in `erf.stimulus.STIMULI`.
        engine: ``dense`` runs whole images, ``delta`` propagates the change, ``auto`` takes delta
            where it can and says what it took.
        batch_size: disturbances at a time; None lets the engine choose. Never changes the result
            beyond the rounding of the arithmetic.
        memory: budget of the delta engine, such as ``"4 GiB"``.
        seed: of the stimulus, a pure function of (seed, image_index, patch, draw).
        image_index: which image of a series this is.
        other: the image that the stimulus ``other`` takes its pixels from.
        picture: the image as a person sees it, kept in the result for figures.
        name: of the model, for the result's provenance.
        progress: show a bar on standard error.

    Raises:
        SettingError: a number or a name is out of range.
        LayerError: there is no such layer, or its output is not a map.
        UnitError: the unit or channel is outside the layer.
        ExportError: ``engine="delta"`` and the model cannot be exported.
    """
    plan = Plan(
        layer,
        unit=unit,
        channel=channel,
        patch=patch,
        stride=stride,
        draws=draws,
        sigma=sigma,
        stimulus=stimulus,
        engine=engine,
        seed=seed,
        image_index=image_index,
    )
    (result,) = run_plans(
        model,
        image,
        [plan],
        batch_size=batch_size,
        memory=memory,
        other=other,
        picture=picture,
        name=name,
        progress=progress,
    )
    return result


def probe_layers(
    model: nn.Module, image: Float[Tensor, "3 h w"], layers: Sequence[str], **settings: Any
) -> dict[str, ProbeResult]:
    """Probe several layers in one pass: ``{layer: result}``; settings as in `probe`.

    Raises:
        SettingError: no layer is named, or one twice.
    """
    if not layers or len(set(layers)) != len(layers):
        raise SettingError(f"layers {list(layers)} must name at least one layer, each once")
    defaults: dict[str, Any] = {"batch_size": None, "memory": "4 GiB", "other": None}
    defaults |= {"picture": None, "name": None, "progress": False}
    shared = {key: settings.pop(key, default) for key, default in defaults.items()}
    plans = [Plan(layer, **settings) for layer in layers]
    return dict(zip(layers, run_plans(model, image, plans, **shared), strict=True))


def run_plans(
    model: nn.Module,
    image: Float[Tensor, "c h w"],
    plans: Sequence[Plan],
    *,
    batch_size: int | None,
    memory: str,
    other: Float[Tensor, "c h w"] | None,
    picture: UInt8[np.ndarray, "h w 3"] | None,
    name: str | None,
    progress: bool,
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
        maps = [m[0] for m in observe(model, image[None], [plan.layer for plan in plans])]
        activations = [_activation(clean, plan) for clean, plan in zip(maps, plans, strict=True)]
        targets = [_target(a, plan) for a, plan in zip(activations, plans, strict=True)]
        choice = choose_engine(
            plan.engine,
            model,
            image,
            targets,
            grid=grid,
            change=change,
            activations=[float(each.abs().max()) for each in activations],
            batch_size=batch_size,
            memory=memory,
        )
        tallies = _measure(choice.engine, plan, grid, change, targets, activations, progress)
    extents = [_extent(choice.graph, target) for target in targets]
    provenance = describe(model, image, name=name, extra={"engine": choice.to_json()})
    return [
        ProbeResult(
            discrepancy=tally.mean(),
            standard_error=tally.standard_error(),
            samples=tally.samples,
            target=target,
            plan=plan,
            activation=activation.cpu().float().numpy(),
            image=image.cpu().float().numpy(),
            picture=picture,
            theory=extent,
            provenance=provenance,
        )
        for tally, target, plan, activation, extent in zip(
            tallies, targets, plans, activations, extents, strict=True
        )
    ]


def _measure(
    engine: Engine,
    plan: Plan,
    grid: PatchGrid,
    change: Change,
    targets: Sequence[Target],
    activations: Sequence[Tensor],
    progress: bool,
) -> list[Tally]:
    """Let the engine disturb every patch, and add up what each target answers."""
    tallies = [
        _tally(grid, plan.draws, target, activation)
        for target, activation in zip(targets, activations, strict=True)
    ]
    with progress_bar("Probing", len(grid) * plan.draws, show=progress) as advance:
        for reading in engine.measure(grid, range(len(grid)), range(plan.draws), change):
            for tally, values in zip(tallies, reading.values, strict=True):
                tally.add(reading.patches, reading.draws, values)
            advance(len(reading.patches))
    return tallies


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


def _activation(clean: Float[Tensor, "channels rows cols"], plan: Plan) -> Float[Tensor, "r c"]:
    """The clean response as one map: the channel, or the L2 norm over all."""
    if plan.channel is None:
        return torch.linalg.vector_norm(clean, dim=0)
    if not 0 <= plan.channel < len(clean):
        raise UnitError(
            f"channel {plan.channel} is outside layer {plan.layer!r}, "
            f"which has {len(clean)} channels (0 to {len(clean) - 1})"
        )
    return clean[plan.channel]


def _target(activation: Float[Tensor, "rows cols"], plan: Plan) -> Target:
    rows, cols = activation.shape
    row, col = divmod(int(activation.argmax()), cols)
    unit = locate(plan.unit, (rows, cols), (row, col), plan.layer)
    return Target(plan.layer, unit, plan.channel)


def _tally(grid: PatchGrid, draws: int, target: Target, activation: Tensor) -> Tally:
    if target.unit is not None:
        return UnitTally(grid.shape, draws)
    rows, cols = activation.shape
    return LayerTally(grid.shape, draws, (rows, cols))


def _extent(graph: Graph | None, target: Target) -> TheoreticalExtent | None:
    """The theoretical field of a target's unit; None without a graph or a unit."""
    if graph is None or target.unit is None:
        return None
    (field,) = analyse(graph, [target.layer])
    return TheoreticalExtent(
        box=field.box(target.unit),
        size=field.size,
        unclipped=field.box(target.unit, clipped=False),
        status=field.status,
        reasons=field.reasons,
    )
