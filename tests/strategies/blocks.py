"""Pieces of random networks that PyTorch has no module for. Maps in, maps out."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class Join(nn.Module):
    """Branches from one input, cut to their common size, then added, multiplied or concatenated."""

    def __init__(self, branches: Sequence[nn.Module], how: str) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.how = how

    def forward(self, x: Tensor) -> Tensor:
        outputs = [branch(x) for branch in self.branches]
        rows = min(out.shape[2] for out in outputs)
        cols = min(out.shape[3] for out in outputs)
        first, *others = [out[:, :, :rows, :cols] for out in outputs]
        if self.how == "cat":
            return torch.cat([first, *others], dim=1)
        for other in others:
            first = first + other if self.how == "add" else first * other
        return first

    def extra_repr(self) -> str:
        return self.how


class SqueezeExcite(nn.Module):
    """Every channel scaled by what the whole map says."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.gate = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.gate(self.pool(x)))


class GlobalContext(nn.Module):
    """ParseNet's head: the pooled, normalised feature put back beside every position."""

    def forward(self, x: Tensor) -> Tensor:
        context = functional.normalize(x.mean(dim=(2, 3), keepdim=True), dim=1)
        return torch.cat([functional.normalize(x, dim=1), context.expand_as(x)], dim=1)


class HalfThrough(nn.Module):
    """Half of the channels through a module, then all shuffled: ShuffleNet's block."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        kept, sent = x.chunk(2, dim=1)
        sent = self.inner(sent)
        out = torch.cat([kept, sent], dim=1)
        n, channels, rows, cols = out.shape
        return out.view(n, 2, channels // 2, rows, cols).transpose(1, 2).reshape(out.shape)


class Slice(nn.Module):
    """Rows and columns left out at the start and in between; some channels too."""

    def __init__(self, start: tuple[int, int], step: tuple[int, int], channels: int) -> None:
        super().__init__()
        self.start, self.step, self.channels = start, step, channels

    def forward(self, x: Tensor) -> Tensor:
        (row, col), (down, across) = self.start, self.step
        return x[:, : self.channels, row::down, col::across]

    def extra_repr(self) -> str:
        return f"{self.start}, {self.step}, {self.channels}"


class Pad(nn.Module):
    """Asymmetric padding, with zeros or copies of the map."""

    def __init__(self, widths: tuple[int, int, int, int], mode: str) -> None:
        super().__init__()
        self.widths, self.mode = widths, mode

    def forward(self, x: Tensor) -> Tensor:
        return functional.pad(x, self.widths, mode=self.mode)

    def extra_repr(self) -> str:
        return f"{self.widths}, {self.mode}"


class ChannelNorm(nn.Module):
    """Layer normalisation over channels, as ConvNeXt does it: permuted there and back."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class WindowAttention(nn.Module):
    """Attention within windows, as in Swin and MaxViT; the map is padded to whole windows."""

    def __init__(self, channels: int, side: int, *, grid: bool) -> None:
        super().__init__()
        self.qkv = nn.Linear(channels, 3 * channels)
        self.side, self.grid = side, grid

    def forward(self, x: Tensor) -> Tensor:
        n, c, rows, cols = x.shape
        side = self.side
        x = functional.pad(x, (0, -cols % side, 0, -rows % side))
        down, across = x.shape[2] // side, x.shape[3] // side
        if self.grid:
            windows = x.view(n, c, side, down, side, across).permute(0, 3, 5, 2, 4, 1)
        else:
            windows = x.view(n, c, down, side, across, side).permute(0, 2, 4, 3, 5, 1)
        tokens = windows.reshape(n * down * across, side * side, c)
        query, key, value = self.qkv(tokens).chunk(3, dim=-1)
        tokens = torch.softmax(query @ key.transpose(1, 2), dim=-1) @ value
        windows = tokens.view(n, down, across, side, side, c)
        order = (0, 5, 3, 1, 4, 2) if self.grid else (0, 5, 1, 3, 2, 4)
        out = windows.permute(*order).reshape(n, c, down * side, across * side)
        return out[:, :, :rows, :cols]
