"""Random small networks, for Hypothesis: everything a spatial rule or an engine must get right."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from strategies.blocks import (
    ChannelNorm,
    GlobalContext,
    HalfThrough,
    Join,
    Pad,
    Slice,
    SqueezeExcite,
    WindowAttention,
)

Draw = Callable[[st.SearchStrategy], object]
Shape = tuple[int, int, int]
"""(channels, rows, cols)."""

SMALLEST = 3
"""Rows and columns that a map keeps at least, so that the next block has something to do."""
LARGEST = 96
"""Rows and columns that it has at most."""
MOST_CHANNELS = 24


@dataclass(frozen=True, eq=False)
class RandomNetwork:
    """A random network with random weights, in evaluation mode, and an image size for it.

    Attributes:
        model: a sequence of blocks named ``0``, ``1``, ... in float32 (``.double()`` works).
        channels: of its image.
        image_size: (rows, cols).
    """

    model: nn.Sequential
    channels: int
    image_size: tuple[int, int]

    @property
    def layers(self) -> list[str]:
        """Paths of the blocks, each of which puts out a map."""
        return [str(index) for index in range(len(self.model))]

    def image(self, seed: int = 0) -> Tensor:
        """Noise of the right shape (1, channels, rows, cols)."""
        generator = torch.Generator().manual_seed(seed)
        return torch.randn(1, self.channels, *self.image_size, generator=generator)


def _pair(draw: Draw, low: int, high: int) -> tuple[int, int]:
    return draw(st.tuples(st.integers(low, high), st.integers(low, high)))


def _channels(draw: Draw, groups: int) -> int:
    return groups * draw(st.integers(1, max(1, 6 // groups)))


def _divisors(channels: int) -> list[int]:
    return [n for n in (1, 2, 3, channels) if channels % n == 0]


def conv(draw: Draw, shape: Shape) -> nn.Module:
    groups = draw(st.sampled_from(_divisors(shape[0])))
    return nn.Conv2d(
        shape[0],
        _channels(draw, groups),
        _pair(draw, 1, 4),
        stride=_pair(draw, 1, 2),
        padding=_pair(draw, 0, 4),
        dilation=_pair(draw, 1, 3),
        groups=groups,
        bias=draw(st.booleans()),
    )


def transposed(draw: Draw, shape: Shape) -> nn.Module:
    groups = draw(st.sampled_from(_divisors(shape[0])))
    stride = _pair(draw, 1, 3)
    return nn.ConvTranspose2d(
        shape[0],
        _channels(draw, groups),
        _pair(draw, 1, 4),
        stride=stride,
        padding=_pair(draw, 0, 2),
        output_padding=tuple(draw(st.integers(0, s - 1)) for s in stride),
        groups=groups,
        dilation=draw(st.integers(1, 2)),
    )


def pool(draw: Draw, shape: Shape) -> nn.Module:
    kernel = _pair(draw, 1, 3)
    settings = {
        "kernel_size": kernel,
        "stride": _pair(draw, 1, 3),
        "padding": tuple(draw(st.integers(0, k // 2)) for k in kernel),
        "ceil_mode": draw(st.booleans()),
    }
    if draw(st.booleans()):
        return nn.MaxPool2d(**settings, dilation=draw(st.integers(1, 2)))
    return nn.AvgPool2d(**settings, count_include_pad=draw(st.booleans()))


def adaptive(draw: Draw, shape: Shape) -> nn.Module:
    kind = draw(st.sampled_from((nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)))
    return kind(_pair(draw, SMALLEST, 9))


def upsample(draw: Draw, shape: Shape) -> nn.Module:
    mode = draw(st.sampled_from(("nearest", "nearest-exact", "bilinear", "bilinear", "bicubic")))
    corners = draw(st.booleans()) if mode in ("bilinear", "bicubic") else None
    if draw(st.booleans()):
        return nn.Upsample(size=_pair(draw, SMALLEST, 40), mode=mode, align_corners=corners)
    scale = draw(st.sampled_from((0.5, 1.5, 2.0, 2.5, 3.0)))
    return nn.Upsample(scale_factor=scale, mode=mode, align_corners=corners)


def activation(draw: Draw, shape: Shape) -> nn.Module:
    inplace = draw(st.booleans())
    kinds: list[Callable[[], nn.Module]] = [
        lambda: nn.ReLU(inplace=inplace),
        lambda: nn.LeakyReLU(0.1, inplace=inplace),
        lambda: nn.PReLU(shape[0]),
        nn.GELU,
        lambda: nn.SiLU(inplace=inplace),
        lambda: nn.Hardswish(inplace=inplace),
        nn.ELU,
        nn.Softplus,
        nn.Tanh,
        nn.Sigmoid,
    ]
    return draw(st.sampled_from(kinds))()


def norm(draw: Draw, shape: Shape) -> nn.Module:
    kinds = (nn.BatchNorm2d, ChannelNorm)
    return draw(st.sampled_from(kinds))(shape[0])


def context(draw: Draw, shape: Shape) -> nn.Module:
    channels = shape[0]
    kinds: list[Callable[[], nn.Module]] = [
        lambda: SqueezeExcite(channels),
        GlobalContext,
        lambda: nn.GroupNorm(1, channels),
    ]
    return draw(st.sampled_from(kinds))()


def windows(draw: Draw, shape: Shape) -> nn.Module:
    return WindowAttention(shape[0], draw(st.integers(2, 4)), grid=draw(st.booleans()))


def rearrange(draw: Draw, shape: Shape) -> nn.Module:
    channels = shape[0]
    kinds: list[Callable[[], nn.Module]] = [
        lambda: Slice(_pair(draw, 0, 2), _pair(draw, 1, 2), draw(st.integers(1, channels))),
        lambda: Pad(
            (*_pair(draw, 0, 2), *_pair(draw, 0, 2)),
            draw(st.sampled_from(("constant", "reflect", "replicate", "circular"))),
        ),
        lambda: nn.PixelUnshuffle(2),
        lambda: nn.ZeroPad2d((*_pair(draw, -1, 2), *_pair(draw, -1, 2))),
    ]
    if channels % 4 == 0:
        kinds.append(lambda: nn.PixelShuffle(2))
    return draw(st.sampled_from(kinds))()


def branches(draw: Draw, shape: Shape) -> nn.Module:
    """Two or three unequal branches; one may be the input itself."""
    how = draw(st.sampled_from(("add", "mul", "cat")))
    made: list[nn.Module] = []
    for _ in range(draw(st.integers(2, 3))):
        branch, out = _chain(draw, shape, SIMPLE, draw(st.integers(0, 2)))
        if how != "cat":
            branch = nn.Sequential(*branch, nn.Conv2d(out[0], shape[0], 1))
        made.append(branch)
    return Join(made, how)


def half(draw: Draw, shape: Shape) -> nn.Module:
    width = shape[0] // 2
    if shape[0] % 2:
        return nn.Identity()
    kernel = draw(st.sampled_from((1, 3, 5)))
    return HalfThrough(nn.Conv2d(width, width, kernel, padding=kernel // 2))


Block = Callable[[Draw, Shape], nn.Module]
SIMPLE: tuple[Block, ...] = (conv, conv, transposed, pool, upsample, activation, norm, rearrange)
ALL: tuple[Block, ...] = (*SIMPLE, adaptive, context, windows, branches, branches, half)


def _chain(
    draw: Draw, shape: Shape, kinds: tuple[Block, ...], length: int
) -> tuple[nn.Sequential, Shape]:
    """Blocks one after the other; those whose output is too small, or that cannot run, are out."""
    chain = nn.Sequential()
    for _ in range(length):
        block = draw(st.sampled_from(kinds))(draw, shape).eval()
        out = _shape_after(block, shape)
        if out is not None:
            chain.append(block)
            shape = out
    return chain, shape


def _shape_after(block: nn.Module, shape: Shape) -> Shape | None:
    try:
        with torch.no_grad():
            channels, rows, cols = block(torch.zeros(1, *shape)).shape[1:]
    except (RuntimeError, ValueError):  # PyTorch refuses such sizes
        return None
    fits = min(rows, cols) >= SMALLEST and max(rows, cols) <= LARGEST and channels <= MOST_CHANNELS
    return (channels, rows, cols) if fits else None


def _randomise(model: nn.Module, seed: int) -> None:
    """Random weights and running statistics, a pure function of the seed."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if not tensor.is_floating_point():
            continue
        noise = torch.randn(tensor.shape, generator=generator)
        if name.endswith("running_var"):
            value = 0.5 + noise.abs()
        elif tensor.ndim > 1:
            value = noise * (2 / tensor[0].numel()) ** 0.5
        else:
            value = 0.5 + 0.5 * noise
        tensor.data.copy_(value)


@st.composite
def networks(
    draw: Draw, *, size: tuple[int, int] = (16, 48), blocks: tuple[int, int] = (2, 5)
) -> RandomNetwork:
    """Random networks.

    Args:
        draw: Hypothesis'.
        size: least and most rows and columns of the image.
        blocks: least and most blocks. Some may be left out.
    """
    channels = draw(st.integers(1, 3))
    image_size = _pair(draw, *size)
    start: list[nn.Module] = [nn.Conv2d(channels, draw(st.sampled_from((2, 4, 6))), 1)]
    shape = (start[0].out_channels, *image_size)
    chain, _ = _chain(draw, shape, ALL, draw(st.integers(*blocks)))
    model = nn.Sequential(*start, *chain).eval()
    _randomise(model, draw(st.integers(0, 2**16)))
    return RandomNetwork(model, channels, image_size)
