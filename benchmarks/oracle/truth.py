"""Which pixels can change a unit, by gradients of random instances in float64."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor, nn

from benchmarks.oracle.smooth import Smooth
from erf.layer_name import LayerName

Unit = tuple[int, int]
Support = Bool[np.ndarray, "rows cols"]


def randomise(model: nn.Module, seed: int) -> nn.Module:
    """Random weights and running statistics, none of them zero; constants stay as they are."""
    generator = torch.Generator().manual_seed(seed)
    statistics = {
        name: tensor
        for name, tensor in model.named_buffers()
        if name.endswith(("running_mean", "running_var"))
    }
    for name, tensor in [*model.named_parameters(), *statistics.items()]:
        if not tensor.is_floating_point():
            continue
        noise = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
        if tensor.ndim > 1:
            fan = tensor[0].numel()
            value = (noise + 0.2) * fan**-0.5
        else:
            value = 0.5 + noise.abs() if name.endswith("running_var") else 0.6 + 0.2 * noise
        tensor.data.copy_(value)
    return model


@dataclass(frozen=True)
class Wanted:
    """What is asked of one layer.

    Attributes:
        units: (row, col) each, of dimensions other than the batch and the channels.
        channel_dim: of the layer's output.
    """

    units: tuple[Unit, ...]
    channel_dim: int = 1


def supports(
    model: nn.Module,
    layers: Mapping[str, Wanted],
    image_shape: tuple[int, int, int],
    seeds: tuple[int, ...] = (0, 1),
) -> dict[str, dict[Unit, Support]]:
    """The pixels that have a gradient, for any of several random images.

    Args:
        model: in float64, of smooth operators once its gates are replaced.
        layers: by name, as in `erf.theoretical_field`.
        image_shape: (channels, rows, cols).
        seeds: one an image.

    Raises:
        ValueError: when a gradient is not finite, and so tells nothing.
    """
    nothing = np.zeros(image_shape[1:], dtype=bool)
    found = {layer: dict.fromkeys(wanted.units, nothing) for layer, wanted in layers.items()}
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        image = torch.randn(1, *image_shape, generator=generator, dtype=torch.float64)
        image.requires_grad_(True)
        outputs = _outputs(model, layers, image)
        for layer, wanted in layers.items():
            values = _units(outputs[layer], wanted.channel_dim, generator)
            for unit in wanted.units:
                found[layer][unit] = found[layer][unit] | _gradient(values[unit], image)
    return found


def _gradient(value: Tensor, image: Tensor) -> Support:
    """Pixels of which any channel has one."""
    if not value.requires_grad:
        return np.zeros(image.shape[2:], dtype=bool)
    (gradient,) = torch.autograd.grad(value, image, retain_graph=True, allow_unused=True)
    if gradient is None:
        return np.zeros(image.shape[2:], dtype=bool)
    if not gradient.isfinite().all():
        raise ValueError("the gradient is not finite")
    return (gradient[0].abs().sum(0) > 0).numpy()


def _outputs(model: nn.Module, layers: Iterable[str], image: Tensor) -> dict[str, Tensor]:
    """What layers put out on their last calls, before anything is written into it."""
    kept: dict[str, Tensor] = {}
    handles = []
    for layer in layers:
        name = LayerName.parse(layer)

        def keep(
            _: nn.Module, __: object, out: object, layer: str = layer, name: LayerName = name
        ) -> None:
            kept[layer] = name.select(out).clone()

        handles.append(model.get_submodule(name.path).register_forward_hook(keep))
    with Smooth():
        model(image * 1.0)
    for handle in handles:
        handle.remove()
    return kept


def _units(output: Tensor, channel_dim: int, generator: torch.Generator) -> Mapping[Unit, Tensor]:
    """Of each unit, the sum of its channels with random weights."""
    output = output.movedim(channel_dim, 1) if output.ndim == 4 else output.reshape(1, -1, 1, 1)
    weights = 0.5 + torch.rand(output.shape[1], generator=generator, dtype=torch.float64)
    sums = (output[0] * weights[:, None, None]).sum(0)
    return {unit: sums[unit] for unit in np.ndindex(*sums.shape)}
