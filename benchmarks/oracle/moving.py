"""Cases that move elements: views, lookups, writing into parts, and what they make together."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.oracle.case import of

ORDER = torch.tensor([4, 0, 0, 3])
TRIANGLE = torch.ones(6, 5).tril().bool()
FLAT = torch.randperm(30, generator=torch.Generator().manual_seed(1))
EVEN = (6, 4)


def written(x: Tensor) -> Tensor:
    """Rows written over by others."""
    x = x.clone()
    x[:, :, 1:5:2, :] = x[:, :, 0:2] * 2
    return x


def written_channels(x: Tensor) -> Tensor:
    """Half of the channels written over by a blur, then half taken."""
    x = x.clone()
    x[:, 2:] = functional.avg_pool2d(x[:, 2:].clone(), 3, 1, 1)
    return x[:, 1:3]


def written_at(x: Tensor) -> Tensor:
    """Rows written at places that a constant names."""
    x = x.clone()
    x[:, :, torch.tensor([0, 3])] = x[:, :, torch.tensor([5, 1])]
    return x


def ghost(x: Tensor) -> Tensor:
    """GhostNet's: a cheap branch beside the first, and the first channels of both."""
    cheap = functional.avg_pool2d(x, 3, 1, 1)
    return torch.cat([x, cheap], 1)[:, :6]


def shuffled(x: Tensor) -> Tensor:
    """ShuffleNet's: near and far channels in turn, the first half taken."""
    both = torch.cat([x, functional.avg_pool2d(x, 3, 1, 1)], 1)
    n, c, h, w = both.shape
    return both.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)[:, :3]


def focus(x: Tensor) -> Tensor:
    """YOLO's: four phases of the map as channels."""
    return torch.cat(
        [x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]], 1
    )


def windows(x: Tensor, side: int, shift: int = 0) -> Tensor:
    """Swin's: the mean over windows, put back where it was."""
    n, c, h, w = x.shape
    x = x.roll((-shift, -shift), (2, 3))
    x = x.view(n, c, h // side, side, w // side, side).permute(0, 2, 4, 3, 5, 1)
    x = x + x.mean((3, 4), keepdim=True)
    return x.permute(0, 5, 1, 3, 2, 4).reshape(n, c, h, w).roll((shift, shift), (2, 3))


def axes(x: Tensor) -> Tensor:
    """Coordinate attention: pooled rows and columns, joined, mixed and split."""
    rows, cols = x.mean(3, keepdim=True), x.mean(2, keepdim=True).transpose(2, 3)
    both = torch.cat([rows, cols], 2) * 2
    rows, cols = both.split([x.shape[2], x.shape[3]], 2)
    return x * rows.sigmoid() * cols.transpose(2, 3).sigmoid()


def crossed(x: Tensor) -> Tensor:
    """Rows written into columns of a square map."""
    return x[..., :5, :5] + x[..., :5, :5].transpose(2, 3)


def stripes(x: Tensor) -> Tensor:
    """Every other row from the map, the rest from its mirror image."""
    return torch.stack([x, x.flip(3)], 3).flatten(2, 3)[:, :, ::3]


MOVING = [
    of("slice", lambda x: x[:, :, 1:5:2, :-1]),
    of("slice_scatter", written),
    of("slice_scatter of channels", written_channels),
    of("index_put", written_at),
    of("select", lambda x: x[:, :, 2:3] + x.select(2, 4)[:, :, None]),
    of("select a row for all", lambda x: x + x[:, :, 2:3]),
    of("split", lambda x: torch.cat(x.split([2, 4], 2)[::-1], 2)),
    of("chunk", lambda x: sum(x.chunk(3, 2)[1:])),
    of("unbind", lambda x: torch.stack(x.unbind(2)[::-1], 2)),
    of("tensor_split", lambda x: x.tensor_split(4, 2)[1]),
    of("narrow", lambda x: x.narrow(3, 1, 3)),
    of("cat of rows", lambda x: torch.cat([x, x.flip(2), x], 2)),
    of("cat of channels", ghost),
    of("stack", lambda x: torch.stack([x, x.roll(1, 3)], 1).flatten(1, 2)),
    of("channel shuffle", shuffled),
    of("channel_shuffle operator", lambda x: functional.channel_shuffle(ghost(x), 2)[:, :3]),
    of("flip", lambda x: x.flip(2, 3)),
    of("flip of channels", lambda x: ghost(x).flip(1)[:, :2]),
    of("roll", lambda x: x.roll((2, -1), (2, 3))),
    of("flat roll", lambda x: x.flatten(2).roll(7, 2).view(x.shape)),
    of("roll of channels", lambda x: ghost(x).roll(1, 1)[:, :1]),
    of("rot90", lambda x: torch.rot90(x, 1, (2, 3))),
    of("rot90 thrice", lambda x: torch.rot90(x, 3, (2, 3))),
    of("transpose", lambda x: x.transpose(2, 3)),
    of("transpose and add", crossed),
    of("index of rows", lambda x: x[:, :, ORDER]),
    of("index of both", lambda x: x[:, :, ORDER[:, None], ORDER[None]]),
    of("index of pairs", lambda x: x[:, :, ORDER, ORDER][:, :, :, None]),
    of("index of flat positions", lambda x: x.flatten(2)[:, :, FLAT].view(x.shape)),
    of("index of channels", lambda x: ghost(x)[:, torch.tensor([5, 0])][:, :1]),
    of("index by a mask", lambda x: x[:, :, torch.tensor([True, False] * 3)]),
    of("index_select", lambda x: x.index_select(3, ORDER)),
    of("index_fill", lambda x: x.index_fill(2, torch.tensor([1, 3]), 1.0)),
    of("gather", lambda x: x.gather(2, FLAT.view(1, 1, 6, 5).remainder(6).expand(x.shape))),
    of("take_along_dim", lambda x: x.take_along_dim(FLAT.view(1, 1, 6, 5) % 5, 3)),
    of("scatter", lambda x: torch.zeros_like(x).scatter(2, ORDER[:1].expand(x.shape), x)),
    of("scatter_add", lambda x: x.scatter_add(2, torch.tensor([3]).expand(x.shape), x)),
    of("index_add", lambda x: x.index_add(2, torch.tensor([1, 4]), x[:, :, :2])),
    of("repeat_interleave", lambda x: x.repeat_interleave(2, 2)),
    of("repeat", lambda x: x.repeat(1, 2, 2, 1)),
    of("tile", lambda x: x.tile(1, 1, 1, 2)),
    of("expand", lambda x: x.mean(2, keepdim=True).expand(x.shape) + x),
    of("pixel_shuffle", lambda x: functional.pixel_shuffle(x, 2)),
    of("pixel_unshuffle", lambda x: functional.pixel_unshuffle(x, 2), size=EVEN),
    of(
        "pixel_unshuffle and back",
        lambda x: functional.pixel_shuffle(functional.pixel_unshuffle(x, 2), 2),
        size=EVEN,
    ),
    of("space to depth", focus, size=EVEN),
    of("padding", lambda x: functional.pad(x, (1, 2, 0, 1))),
    of("cropping", lambda x: functional.pad(x, (-1, 0, -2, 1))),
    of("reflection", lambda x: functional.pad(x, (1, 2, 0, 3), mode="reflect")),
    of("replication", lambda x: functional.pad(x, (1, 2, 0, 3), mode="replicate")),
    of("circular padding", lambda x: functional.pad(x, (1, 2, 2, 0), mode="circular")),
    of("tril", torch.tril),
    of("triu", lambda x: x.triu(1)),
    of("diagonal", lambda x: x.diagonal(0, 2, 3)[:, :, :, None]),
    of("diag_embed", lambda x: torch.diag_embed(x[:, :, 0])),
    of("masked_fill", lambda x: x.masked_fill(TRIANGLE, 0.0)),
    of("where", lambda x: torch.where(TRIANGLE, x, x.flip(2))),
    of("where twice", lambda x: torch.where(TRIANGLE, x, torch.where(~TRIANGLE, x.flip(3), 0.0))),
    of("masked by a product", lambda x: x * TRIANGLE),
    of("view of rows as columns", lambda x: x.reshape(x.shape[0], 4, 5, 6)),
    of("windows", lambda x: windows(x, 2), size=(6, 8)),
    of("shifted windows", lambda x: windows(x, 2, 1), size=(6, 8)),
    of("coordinate attention", axes),
    of("interleaved rows", stripes),
    of("movedim", lambda x: x.movedim(1, 3).movedim(3, 1).flip(2)),
    of("swapaxes", lambda x: x.swapaxes(1, 2)[:, :3].swapaxes(1, 2)),
    of("unflatten", lambda x: x.unflatten(2, (3, 2)).flip(2).flatten(2, 3)),
    of("as_strided", lambda x: torch.as_strided(x.contiguous(), (1, 4, 3, 5), (120, 30, 10, 1))),
    of("hstack", lambda x: torch.hstack([x, x.flip(3)])[:, 3:5]),
    of("meshgrid", lambda x: x + torch.meshgrid(x[0, 0, :, 0], x[0, 0, 0], indexing="ij")[0]),
]
