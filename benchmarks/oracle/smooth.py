"""Gates that mask gradients, replaced by smooth ones that read the same elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode


class Smooth(TorchFunctionMode):
    """While it is entered, PyTorch's functions with kinks, steps or choices are smooth.

    Only what a gradient flows through is replaced. A maximum becomes a sum with unequal weights.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run a function, or its smooth twin."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        twin = TWINS.get(name.rstrip("_"))
        first = args[0] if args else None
        flows = isinstance(first, Tensor) and first.requires_grad and not first.is_complex()
        if twin is None or not flows or name.startswith("__"):
            return func(*args, **kwargs)
        in_place = name.endswith("_") or kwargs.get("inplace")
        result = twin(first.clone() if in_place else first, *args[1:], **kwargs)
        if result is None:
            return func(*args, **kwargs)
        return first.copy_(result) if in_place else result


def _gate(x: Tensor, *_: Any, **__: Any) -> Tensor:
    """Positive, and rising everywhere."""
    return functional.softplus(x)


def _clamp(x: Tensor, low: Any = None, high: Any = None, **named: Any) -> Tensor:
    """Above the lower end, if there is one."""
    low = named.get("min", low)
    return functional.softplus(x) + (0 if low is None else low)


def _sigmoid(x: Tensor, *_: Any, **__: Any) -> Tensor:
    """Around one half, nowhere flat."""
    return 0.5 + 0.1 * functional.softplus(x)


def _bend(x: Tensor, *_: Any, **__: Any) -> Tensor:
    """Rising everywhere, of both signs."""
    return 0.6 * x + 0.4 * torch.tanh(x)


def _both(x: Tensor, other: Any) -> Tensor | None:
    """A maximum of two tensors."""
    return 0.6 * x + 0.4 * other


def _extreme(x: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """A maximum over one dimension, with its place, over several, or of two tensors."""
    if isinstance(dim, Tensor):
        return _both(x, dim)
    if isinstance(dim, int):
        kind = torch.return_types.max
        return kind((_weighed(x, dim, keepdim), x.detach().argmax(dim, keepdim)))
    return (x * torch.linspace(0.5, 1, x.numel()).view(x.shape)).sum()


def _extremes(x: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """A maximum over some dimensions."""
    dims = [dim] if isinstance(dim, int) else list(dim) or list(range(x.ndim))
    for each in sorted((d % x.ndim for d in dims), reverse=True):
        x = _weighed(x, each, keepdim)
    return x


def _weighed(x: Tensor, dim: int, keepdim: bool) -> Tensor:
    shape = [1] * x.ndim
    shape[dim] = x.shape[dim]
    weights = torch.linspace(0.5, 1, x.shape[dim], dtype=x.dtype).view(shape)
    return (x * weights).mean(dim, keepdim)


def _max_pool(
    x: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | None:
    """Windows of the input, summed with unequal weights."""
    if return_indices:
        return None
    kernel, step, pad, wide = (
        _two(v) for v in (kernel_size, stride or kernel_size, padding, dilation)
    )
    out = torch.max_pool2d(x.detach(), kernel, step, pad, wide, ceil_mode).shape[-2:]
    needed = [
        (n - 1) * s + w * (k - 1) + 1 - size - p
        for n, s, w, k, size, p in zip(out, step, wide, kernel, x.shape[-2:], pad, strict=True)
    ]
    x = x if x.ndim == 4 else x[None]
    padded = functional.pad(x, (pad[1], max(needed[1], 0), pad[0], max(needed[0], 0)))
    taps = functional.unfold(padded, kernel, wide, 0, step)
    count = kernel[0] * kernel[1]
    weights = torch.linspace(0.5, 1, count, dtype=x.dtype).view(1, 1, -1, 1)
    pooled = (taps.view(len(x), x.shape[1], count, -1) * weights).sum(2) / count
    rows = (padded.shape[2] - wide[0] * (kernel[0] - 1) - 1) // step[0] + 1
    return pooled.view(len(x), x.shape[1], rows, -1)[..., : out[0], : out[1]]


def _adaptive_max_pool(x: Tensor, output_size: Any, return_indices: bool = False) -> Tensor | None:
    return None if return_indices else functional.adaptive_avg_pool2d(x, output_size)


def _two(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


TWINS: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(
        (
            *("relu", "relu6", "hardswish", "silu", "gelu", "leaky_relu", "prelu", "elu", "mish"),
            *("selu", "celu", "threshold", "abs", "hardshrink", "softshrink", "rrelu"),
        ),
        _gate,
    ),
    **dict.fromkeys(("clamp", "clip", "clamp_min"), _clamp),
    **dict.fromkeys(("sigmoid", "hardsigmoid"), _sigmoid),
    **dict.fromkeys(("tanh", "hardtanh", "round", "floor", "ceil", "trunc", "sign"), _bend),
    **dict.fromkeys(("maximum", "minimum", "fmax", "fmin"), _both),
    **dict.fromkeys(("max", "min"), _extreme),
    **dict.fromkeys(("amax", "amin"), _extremes),
    "max_pool2d": _max_pool,
    "adaptive_max_pool2d": _adaptive_max_pool,
}
"""Smooth twins by the name of the function; a twin that returns None leaves the function alone."""
