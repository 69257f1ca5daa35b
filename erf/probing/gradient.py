"""The gradient field: where the derivative of a unit comes from (Luo et al. 2016)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from erf.engines.report import EngineReport
from erf.errors import ModelError, UnitError
from erf.geometry import Target
from erf.model import Specimen, observe_maps
from erf.probing.passes import Asked
from erf.probing.target import clean_activation, find_target
from erf.results import UnitResult
from erf.settings import Gradient


def differentiate(specimen: Specimen, asked: Asked, settings: Gradient) -> UnitResult:
    """The gradient of a unit with respect to every pixel, as a result with patches of one pixel.

    The limit of a noise probe as patch and noise become small, at the price of one backward pass;
    it says nothing about what happens beyond that limit, where a rectifier that is off has no
    gradient however little it would take to switch it on.

    A unit without a channel is a vector, and has a gradient for every channel. Random projections
    stand for all of them: with Gaussian weights the mean squared gradient of a projection is the
    sum of squared gradients over channels, what a noise probe of the L2 norm sees. Each projection
    is a draw of the result.

    Raises:
        LayerError: there is no such layer, or its output is not a map.
        UnitError: the unit or channel is outside the layer, or is ``all``.
    """
    layer, channel, flight = asked.layer, asked.channel, specimen.preflight()
    graph = specimen.graph
    with specimen.lent(), torch.enable_grad():
        pixels = specimen.image.clone().requires_grad_()
        # The model gets a copy, so that one that writes into its input writes into that.
        output = observe_maps(specimen.model, pixels[None].clone(), [layer], graph)[layer]
        clean = clean_activation(output[0].detach(), channel, layer)
        target = find_target(clean, asked.unit, channel, layer)
        if target.unit is None:
            raise UnitError(f"unit 'all' of layer {layer!r} has no single gradient: name one unit")
        response = output[0, :, *target.unit]
        weights = _weights(response, channel, settings)
        samples = np.stack(list(_maps(response, pixels, weights, settings.reduce)))
    if not samples.any():
        _refuse_cut(specimen, target)
    theory = specimen.find_theory(layer)
    return UnitResult(
        discrepancy=samples.mean(axis=0),
        standard_error=_standard_error(samples),
        samples=samples,
        target=target,
        settings=settings,
        draws=len(samples),
        joint=settings.joint,
        engine=EngineReport("gradient", exact=True, requested="gradient", notes=flight.notes),
        activation=clean.cpu().float().numpy(),
        image=specimen.image.cpu().float().numpy(),
        picture=None if specimen.photo is None else specimen.photo.levels,
        theory=None if theory is None else theory.unit(target.unit),
        origin=specimen.origin(),
    )


def _refuse_cut(specimen: Specimen, target: Target) -> None:
    """A zero gradient means something only where a change of the image changes nothing either.

    Raises:
        ModelError: when the unit answers to noise.
    """
    image = specimen.image
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(0)).to(image)
    with specimen.lent():
        moved, clean = (
            observe_maps(specimen.model, each[None].clone(), [target.layer], specimen.graph)
            for each in (image + image.std() * noise, image)
        )
    assert target.unit is not None
    change = (moved[target.layer] - clean[target.layer])[0, :, *target.unit]
    if bool((change != 0).any()):
        raise ModelError(
            f"the gradient of {target} is zero everywhere, though the unit changes with the image: "
            "the model cuts it (no_grad, detach, a sign or a threshold); probe it by noise"
        )


def _standard_error(samples: Float64[np.ndarray, "draws h w"]) -> Float64[np.ndarray, "h w"]:
    """Of the mean over projections; NaN with a single one."""
    if len(samples) == 1:
        return np.full(samples.shape[1:], np.nan)
    return np.asarray(samples.std(axis=0, ddof=1) / len(samples) ** 0.5)


def _weights(
    response: Float[Tensor, " channels"],
    channel: int | None,
    settings: Gradient,
) -> Float[Tensor, "projections channels"]:
    """What the unit's channels are multiplied with before the derivative is taken."""
    if settings.reduce == "rectified":
        on = (response.detach() > 0).to(response)
        chosen = on if channel is None else on * _one_hot(response, channel)
        return chosen[None]
    if channel is not None:
        return _one_hot(response, channel)[None]
    generator = torch.Generator().manual_seed(settings.seed)
    return torch.randn(settings.projections, len(response), generator=generator).to(response)


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
