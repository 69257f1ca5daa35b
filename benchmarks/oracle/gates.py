"""Cases without a useful gradient, each beside a smooth twin that reads the same; and examples."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.oracle.case import Case, of


def one_hot(x: Tensor) -> Tensor:
    """Classes as channels."""
    return functional.one_hot(x.argmax(1), 4).permute(0, 3, 1, 2).to(x.dtype)


def all_channels(x: Tensor) -> Tensor:
    """Every channel from every other of its position."""
    return x.softmax(1)


def chosen(x: Tensor) -> Tensor:
    """Either branch by the sum of all."""
    return torch.cond(x.sum() > 0, lambda z: z + 1, lambda z: z - 1, (x,))


def mixed(x: Tensor) -> Tensor:
    """What `chosen` reads: the position, and all for the choice."""
    return x + x.sum()


def embedded(x: Tensor, part: nn.Module) -> Tensor:
    """A table of vectors, looked up by class."""
    return part(x.argmax(1)).permute(0, 3, 1, 2)


def quantised(x: Tensor, part: nn.Module) -> Tensor:
    """VQ-VAE's: the nearest of a table's vectors."""
    t = x.permute(0, 2, 3, 1)
    distances = (t.unsqueeze(3) - part.weight).pow(2).sum(-1)
    return part(distances.argmin(-1)).permute(0, 3, 1, 2)


class Functional(nn.Module):
    """Calls no module."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 2, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        """A convolution."""
        return functional.conv2d(x, self.weight, padding=1)


GATES = [
    of("one-hot", one_hot, smooth=all_channels),
    of("embedding", embedded, lambda: nn.Embedding(4, 3), smooth=lambda x, p: all_channels(x)),
    of("quantised", quantised, lambda: nn.Embedding(5, 4), smooth=lambda x, p: all_channels(x)),
    of(
        "argmax of rows",
        lambda x: x.argmax(2, keepdim=True).to(x.dtype),
        smooth=lambda x: x.mean(2, keepdim=True),
    ),
    of("comparison", lambda x: (x > 0).to(x.dtype), smooth=lambda x: x),
    of(
        "comparison with the mean",
        lambda x: (x > x.mean(3, keepdim=True)) * x,
        smooth=lambda x: x * x.mean(3, keepdim=True),
    ),
    of(
        "where by values",
        lambda x: torch.where(x > 0, x.flip(2), 0.0),
        smooth=lambda x: x * x.flip(2),
    ),
    of(
        "masked_fill by values",
        lambda x: x.masked_fill(x < x.flip(3), 0.0),
        smooth=lambda x: x * x.flip(3),
    ),
    of("integers", lambda x: (x * 9).int().to(x.dtype), smooth=lambda x: x),
    of(
        "bucketize",
        lambda x: torch.bucketize(x, torch.linspace(-1, 1, 9, dtype=x.dtype)).to(x.dtype),
        smooth=lambda x: x,
    ),
    of("sort of channels", lambda x: x.sort(1).values[:, :2], smooth=all_channels),
    of("sort of rows", lambda x: x.sort(2).values, smooth=lambda x: x.softmax(2)),
    of("argsort of rows", lambda x: x.argsort(2).to(x.dtype), smooth=lambda x: x.softmax(2)),
    of("topk of channels", lambda x: x.topk(2, 1).values, smooth=lambda x: all_channels(x)[:, :2]),
    of("topk of columns", lambda x: x.topk(2, 3).values, smooth=lambda x: x.softmax(3)[..., :2]),
    of("topk as a mask", lambda x: x * (x >= x.topk(2, 1).values[:, -1:]), smooth=all_channels),
    of("kthvalue", lambda x: x - x.kthvalue(2, 1, keepdim=True).values, smooth=all_channels),
    of(
        "median of rows",
        lambda x: x.median(2, keepdim=True).values,
        smooth=lambda x: x.mean(2, keepdim=True),
    ),
    of("cummax", lambda x: x.cummax(2).values, smooth=lambda x: x.cumsum(2)),
    of("cummin of columns", lambda x: x.cummin(3).values, smooth=lambda x: x.cumsum(3)),
    of(
        "count_nonzero",
        lambda x: torch.count_nonzero(x > 0, 1).unsqueeze(1).to(x.dtype),
        smooth=lambda x: x,
    ),
    of(
        "any",
        lambda x: (x > 0).any(3, keepdim=True).to(x.dtype),
        smooth=lambda x: x.mean(3, keepdim=True),
    ),
    of("rounded", torch.round),
    of("clamped", lambda x: x.clamp(-0.1, 0.2)),
    of("clamped by another", lambda x: torch.minimum(x, x.flip(2))),
    of("hard functions", lambda x: functional.hardswish(functional.relu6(functional.hardtanh(x)))),
    of("nan_to_num", torch.nan_to_num, smooth=lambda x: x),
    of(
        "heaviside",
        lambda x: torch.heaviside(x, torch.zeros((), dtype=x.dtype)),
        smooth=lambda x: x,
    ),
    of("torch.cond", chosen, smooth=mixed),
    of("gather by values", lambda x: x.gather(1, x.argmax(1, keepdim=True)), smooth=all_channels),
    of(
        "gather of rows by values",
        lambda x: x.gather(2, x.argmax(2, keepdim=True)),
        smooth=lambda x: x.mean(2, keepdim=True),
    ),
    of(
        "type_as",
        lambda x: x * torch.ones(5, dtype=torch.float32).type_as(functional.avg_pool2d(x, 5, 1, 2)),
    ),
    of("to another", lambda x: x.float().to(x.mean()) + 1),
    of("zeros_like", lambda x: x + torch.zeros_like(x.mean((2, 3), keepdim=True))),
    of("new_ones", lambda x: x + x.mean().new_ones(1)),
    of("expand_as", lambda x: x.mean(2, keepdim=True).expand_as(x.flip(3))),
    of("view_as", lambda x: x.flatten(2).view_as(x)),
    of(
        "randn_like", lambda x: x + 0 * torch.ones_like(functional.avg_pool2d(x, 3, 1, 1)).cumsum(2)
    ),
    Case("no module called", Functional, layers=("",)),
]
