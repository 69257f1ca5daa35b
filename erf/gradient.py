"""The gradient field: where the derivative of a unit comes from (Luo et al. 2016)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8
from torch import Tensor, nn

from erf.borrow import borrowed, placed_like
from erf.errors import SettingError, UnitError
from erf.geometry import Target, UnitName
from erf.graph import Graph, try_export
from erf.observe import observe_maps
from erf.plan import Plan
from erf.provenance import describe
from erf.result import ProbeResult
from erf.target import clean_activation, find_target
from erf.theoretical.summary import theoretical_extent

REDUCTIONS = ("absolute", "squared", "rectified")


def gradient_field(
    model: nn.Module,
    image: Float[Tensor, "channels h w"],
    layer: str,
    *,
    unit: UnitName = "center",
    channel: int | None = None,
    reduce: str = "absolute",
    projections: int = 8,
    seed: int = 0,
    theory: bool = True,
    picture: UInt8[np.ndarray, "h w 3"] | None = None,
    name: str | None = None,
    image_name: str | None = None,
) -> ProbeResult:
    """The gradient of a unit with respect to every pixel, as a result with patches of one pixel.

    The limit of a noise probe as patch and noise become small, at the price of one backward pass;
    it says nothing about what happens beyond that limit, where a rectifier that is off has no
    gradient however little it would take to switch it on.

    A unit without a channel is a vector, and has a gradient for every channel. Random projections
    stand for all of them: with Gaussian weights the mean squared gradient of a projection is the
    sum of squared gradients over channels, what a noise probe of the L2 norm sees. Each projection
    is a draw of the result.

    Args:
        model: any module that takes a batch of images; handed back exactly as found.
        image: in the model's input space.
        layer: module path.
        unit: ``center``, ``max`` or (row, col).
        channel: one channel, or None for all of them.
        reduce: over colours: ``absolute`` sums |gradient| (Luo et al. 2016); ``squared`` sums its
            square, sigma² of which is the mean squared discrepancy of weak noise; ``rectified`` is
            RepLKNet's raw map, the positive part of the gradient of the channels' rectified sum,
            without projections.
        projections: how many, for a unit without a channel.
        seed: of the projections.
        theory: whether to derive the theoretical field too, which takes a second or more. Without
            it a layer is read as (n, channels, rows, cols), whatever it means by its dimensions.
        picture: the image as a person sees it, kept in the result for figures.
        name: of the model, for the result's provenance.
        image_name: of the image, likewise.

    Raises:
        SettingError: a number or a name is out of range.
        LayerError: there is no such layer, or its output is not a map.
        UnitError: the unit or channel is outside the layer, or is ``all``.
    """
    _check(reduce, projections)
    with borrowed(model), torch.enable_grad():
        pixels = placed_like(model, image).detach().clone().requires_grad_()
        graph = try_export(model, (1, *pixels.shape)) if theory else None
        output = observe_maps(model, pixels[None], [layer], graph)[layer]
        clean = clean_activation(output[0].detach(), channel, layer)
        target, at = _one_unit(find_target(clean, unit, channel, layer))
        response = output[0, :, *at]
        weights = _weights(response, channel, reduce, projections, seed)
        samples = np.stack(list(_maps(response, pixels, weights, reduce)))
    pixels = pixels.detach()
    return ProbeResult(
        discrepancy=samples.mean(axis=0),
        standard_error=_standard_error(samples),
        samples=samples,
        target=target,
        plan=_plan(target, len(samples), seed),
        activation=clean.cpu().float().numpy(),
        image=pixels.cpu().float().numpy(),
        picture=picture,
        theory=theoretical_extent(graph if isinstance(graph, Graph) else None, target),
        provenance=describe(model, pixels, name=name, image_name=image_name, extra=_method(reduce)),
    )


def _check(reduce: str, projections: int) -> None:
    if reduce not in REDUCTIONS:
        raise SettingError(f"reduce {reduce!r} is none of {', '.join(REDUCTIONS)}")
    if projections < 1:
        raise SettingError(f"projections {projections} must be at least 1")


def _one_unit(target: Target) -> tuple[Target, tuple[int, int]]:
    if target.unit is None:
        raise UnitError(
            f"unit 'all' of layer {target.layer!r} has no single gradient: name one unit"
        )
    return target, target.unit


def _plan(target: Target, draws: int, seed: int) -> Plan:
    """A gradient in the words of a probe: patches of one pixel, disturbed by next to nothing."""
    return Plan(
        target.layer,
        unit="all" if target.unit is None else target.unit,
        channel=target.channel,
        patch=1,
        stride=1,
        draws=draws,
        sigma=1.0,
        stimulus="gradient",
        seed=seed,
    )


def _method(reduce: str) -> dict[str, object]:
    engine = {"name": "gradient", "requested": "gradient", "notes": []}
    return {"method": "gradient", "reduce": reduce, "engine": engine}


def _standard_error(samples: Float64[np.ndarray, "draws h w"]) -> Float64[np.ndarray, "h w"]:
    """Of the mean over projections; NaN with a single one."""
    if len(samples) == 1:
        return np.full(samples.shape[1:], np.nan)
    return np.asarray(samples.std(axis=0, ddof=1) / len(samples) ** 0.5)


def _weights(
    response: Float[Tensor, " channels"],
    channel: int | None,
    reduce: str,
    projections: int,
    seed: int,
) -> Float[Tensor, "projections channels"]:
    """What the unit's channels are multiplied with before the derivative is taken."""
    if reduce == "rectified":
        on = (response.detach() > 0).to(response)
        chosen = on if channel is None else on * _one_hot(response, channel)
        return chosen[None]
    if channel is not None:
        return _one_hot(response, channel)[None]
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(projections, len(response), generator=generator).to(response)


def _one_hot(response: Float[Tensor, " channels"], channel: int) -> Float[Tensor, " channels"]:
    return torch.nn.functional.one_hot(torch.tensor(channel), len(response)).to(response)


def _maps(
    response: Float[Tensor, " channels"],
    pixels: Float[Tensor, "colors h w"],
    weights: Float[Tensor, "projections channels"],
    reduce: str,
) -> Iterator[Float64[np.ndarray, "h w"]]:
    """The reduced gradient of each projection."""
    if not response.requires_grad:
        yield from np.zeros((len(weights), *pixels.shape[-2:]))
        return
    for weight in weights:
        (gradient,) = torch.autograd.grad(
            response, pixels, weight, retain_graph=True, allow_unused=True
        )
        gradient = torch.zeros_like(pixels) if gradient is None else gradient
        values = gradient.double().cpu().numpy()
        if reduce == "absolute":
            yield np.abs(values).sum(axis=0)
        elif reduce == "squared":
            yield np.square(values).sum(axis=0)
        else:
            yield np.maximum(values, 0).sum(axis=0)
