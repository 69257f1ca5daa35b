"""Cases with windows: convolution, pooling, unfolding, interpolation, sampling."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.oracle.case import Case, of

EVEN = (6, 4)


def resized(mode: str, size: tuple[int, int], corners: bool | None = None) -> Case:
    """Interpolation to a size."""
    name = f"{mode} to {size[0]}x{size[1]}" + (" aligned" if corners else "")
    return of(name, lambda x: functional.interpolate(x, size, mode=mode, align_corners=corners))


def flat_resized(x: Tensor, size: int, mode: str) -> Tensor:
    """Positions in one row, interpolated, and a map again."""
    n, c, _, w = x.shape
    return functional.interpolate(x.flatten(2), size, mode=mode).view(n, c, -1, w)


def halo(x: Tensor) -> Tensor:
    """HaloNet's: each block of two looks at the block of four around it."""
    n, c, h, w = x.shape
    keys = functional.pad(x, (1, 1, 1, 1)).unfold(2, 4, 2).unfold(3, 4, 2)
    keys = keys.reshape(n, c, -1, 16).permute(0, 2, 3, 1)
    queries = x.reshape(n, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 3, 5, 1)
    queries = queries.reshape(n, -1, 4, c)
    out = (queries @ keys.transpose(2, 3)).softmax(-1) @ keys
    out = out.view(n, h // 2, w // 2, 2, 2, c).permute(0, 5, 1, 3, 2, 4)
    return out.reshape(n, c, h, w)


def halo_unfolded(x: Tensor) -> Tensor:
    """The same of columns that `unfold` makes."""
    n, c, h, w = x.shape
    keys = functional.unfold(x, 4, padding=1, stride=2)
    keys = keys.view(n, c, 16, -1).permute(0, 3, 2, 1)
    queries = x.view(n, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 3, 5, 1).reshape(n, -1, 4, c)
    out = (queries @ keys.transpose(2, 3)).softmax(-1) @ keys
    out = out.view(n, h // 2, w // 2, 2, 2, c).permute(0, 5, 1, 3, 2, 4)
    return out.reshape(n, c, h, w)


def involution(x: Tensor) -> Tensor:
    """Taps of an unfolding, weighed by kernels that the map itself makes."""
    n, c, h, w = x.shape
    taps = functional.unfold(x, 3, padding=1).view(n, c, 9, h, w)
    kernels = x.sum(1, keepdim=True).unsqueeze(2).sigmoid()
    return (taps * kernels).sum(2)


def identity_grid(x: Tensor, factor: float = 1.0) -> Tensor:
    """A grid of (x, y) that samples the whole map, made bigger."""
    theta = torch.eye(2, 3, dtype=x.dtype) * factor
    return functional.affine_grid(theta[None].expand(len(x), 2, 3), x.shape, align_corners=False)


def moved_grid(x: Tensor) -> Tensor:
    """A grid that the map itself decides."""
    offsets = x.mean((2, 3))[:, :2].view(-1, 1, 1, 2) * 0.1
    return functional.grid_sample(x, identity_grid(x) + offsets, align_corners=False)


def unpooled(x: Tensor) -> Tensor:
    """Maxima put back where they were found."""
    values, places = functional.max_pool2d(x, 2, return_indices=True)
    return functional.max_unpool2d(values, places, 2, output_size=x.shape[2:])


def spread(x: Tensor) -> Tensor:
    """What `unpooled` may read: each place the maximum of its window, which all of it decides."""
    mean = functional.avg_pool2d(x, 2)
    wide = functional.interpolate(mean, scale_factor=2, mode="nearest")
    return functional.pad(wide, (0, x.shape[3] - wide.shape[3], 0, x.shape[2] - wide.shape[2]))


SAMPLING = [
    of("convolution", lambda x, c: c(x), lambda: nn.Conv2d(4, 3, (3, 2), 2, (1, 0), (2, 1))),
    of("grouped convolution", lambda x, c: c(x)[:, :1], lambda: nn.Conv2d(4, 4, 3, groups=2)),
    of("convolution, even, same", lambda x, c: c(x), lambda: nn.Conv2d(4, 3, 4, padding="same")),
    of("transposed k1 s2", lambda x, c: c(x), lambda: nn.ConvTranspose2d(4, 3, 1, 2)),
    of("transposed k2 s3", lambda x, c: c(x), lambda: nn.ConvTranspose2d(4, 3, 2, 3, 1, 1)),
    of("transposed k4 s2", lambda x, c: c(x), lambda: nn.ConvTranspose2d(4, 3, 4, 2, 1)),
    of(
        "circular convolution",
        lambda x, c: c(x),
        lambda: nn.Conv2d(4, 3, 3, padding=1, padding_mode="circular"),
    ),
    of(
        "conv1d of flat positions",
        lambda x, c: c(x.flatten(2)).view(x.shape[0], 3, *x.shape[2:]),
        lambda: nn.Conv1d(4, 3, 3, padding=1),
    ),
    of(
        "conv1d of rows",
        lambda x, c: c(x.mean(3)).unsqueeze(3),
        lambda: nn.Conv1d(4, 3, 3, padding=1),
    ),
    of(
        "conv1d over channels",
        lambda x, c: x * c(x.mean((2, 3))[:, None]).sigmoid().view(-1, 4, 1, 1),
        lambda: nn.Conv1d(1, 1, 3, padding=1),
    ),
    of(
        "conv3d of two frames",
        lambda x, c: c(torch.stack([x, x.flip(3)], 2)).flatten(1, 2),
        lambda: nn.Conv3d(4, 3, (2, 3, 3), padding=(0, 1, 1)),
    ),
    of("average pooling", lambda x: functional.avg_pool2d(x, 3, 2, 1, ceil_mode=True)),
    of("maximum pooling", lambda x: functional.max_pool2d(x, 2, 2, 1, ceil_mode=True)),
    of("dilated maximum", lambda x: functional.max_pool2d(x, 2, 1, 0, 2)),
    of("maximum along rows", lambda x: functional.max_pool1d(x.mean(3), 2).unsqueeze(3)),
    of("lp_pool", lambda x: functional.lp_pool2d(x.sigmoid(), 3.0, 2)),
    of("adaptive average", lambda x: functional.adaptive_avg_pool2d(x, (4, 3))),
    of("adaptive maximum", lambda x: functional.adaptive_max_pool2d(x, (4, 3))),
    of("max_unpool2d", unpooled, smooth=spread),
    of("unfold", lambda x: functional.unfold(x, 3, padding=1).view(len(x), 36, *x.shape[2:])),
    of(
        "fold of unfold",
        lambda x: functional.fold(functional.unfold(x, 3, padding=1), (6, 5), 3, padding=1),
    ),
    of(
        "unfold, mixed, fold",
        lambda x, c: functional.fold(c(functional.unfold(x, 2, stride=2)), (6, 4), 2, stride=2),
        lambda: nn.Conv1d(16, 16, 1),
        size=EVEN,
    ),
    of("Tensor.unfold", lambda x: x.unfold(3, 2, 1).permute(0, 1, 4, 2, 3).flatten(1, 2)),
    of("mean of Tensor.unfold", lambda x: x.unfold(2, 3, 1).mean(-1)),
    of("HaloNet", halo, size=EVEN),
    of("HaloNet by im2col", halo_unfolded, size=EVEN),
    of("involution", involution),
    resized("nearest", (9, 3)),
    resized("nearest-exact", (9, 3)),
    resized("bilinear", (12, 10), False),
    resized("bilinear", (12, 10), True),
    resized("bilinear", (11, 9), True),
    resized("bilinear", (16, 13), True),
    resized("bilinear", (3, 3), False),
    resized("bilinear", (3, 3), True),
    resized("bilinear", (1, 1), True),
    resized("bilinear", (6, 5), False),
    resized("bicubic", (12, 10), False),
    resized("bicubic", (11, 9), True),
    resized("bicubic", (6, 5), True),
    resized("area", (4, 2)),
    of("linear of flat positions", lambda x: flat_resized(x, 60, "linear")),
    of("nearest of flat positions", lambda x: flat_resized(x, 60, "nearest")),
    of(
        "linear along rows",
        lambda x: functional.interpolate(x.mean(3), 9, mode="linear").unsqueeze(3),
    ),
    of(
        "antialiased",
        lambda x: functional.interpolate(x, (3, 4), mode="bilinear", antialias=True),
    ),
    of(
        "antialiased bicubic",
        lambda x: functional.interpolate(x, (3, 2), mode="bicubic", antialias=True),
    ),
    of(
        "trilinear",
        lambda x: functional.interpolate(
            x[:, :, None], (2, 12, 10), mode="trilinear", align_corners=True
        ).flatten(1, 2),
    ),
    of(
        "grid_sample of a constant grid",
        lambda x: functional.grid_sample(x, identity_grid(x, 0.6), align_corners=False),
    ),
    of(
        "grid_sample, nearest",
        lambda x: functional.grid_sample(
            x, identity_grid(x, 1.2), mode="nearest", padding_mode="border", align_corners=False
        ),
    ),
    of("grid_sample of a grid that the map decides", moved_grid),
]
