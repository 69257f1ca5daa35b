"""Networks by name, of all kinds whose tiles give what the whole image gives."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import ConvNeXt, convnext_tiny
from torchvision.models.convnext import CNBlockConfig
from torchvision.transforms.functional import center_crop


def conv(inputs, outputs, kernel=3, **more):
    more = {"padding": kernel // 2} | more
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, **more), nn.Tanh())


class UNet(nn.Module):
    """Two levels down and up; how it pads and how it goes up is chosen."""

    def __init__(self, up, padding_mode="zeros"):
        super().__init__()
        kind = {"padding_mode": padding_mode}
        self.first, self.second = conv(3, 4, **kind), conv(4, 8, **kind)
        self.deep, self.third = conv(8, 8, **kind), conv(16, 8, **kind)
        self.last = conv(12, 4, **kind)
        wide = {"output_padding": 1} if up == "transposed 3" else {}
        kernel = 3 if up == "transposed 3" else 2
        self.ups = nn.ModuleList(
            [
                nn.ConvTranspose2d(8, 8, kernel, 2, padding=kernel - 2, **wide)
                if up.startswith("transposed")
                else nn.Sequential(nn.Conv2d(8, 32, 1), nn.PixelShuffle(2))
                if up == "shuffle"
                else nn.Upsample(scale_factor=2, **eval(f"dict({up})"))
                for _ in range(2)
            ]
        )

    def forward(self, x):
        first = self.first(x)
        second = self.second(F.max_pool2d(first, 2))
        deep = self.ups[0](self.deep(F.avg_pool2d(second, 2)))
        third = self.ups[1](self.third(torch.cat([second, deep], 1)))
        return self.last(torch.cat([first, third], 1))


class Atrous(nn.Module):
    """DeepLab's head without image pooling, on a stride of four, up again by bilinear sampling."""

    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(conv(3, 8, stride=2), conv(8, 8, stride=2))
        self.branches = nn.ModuleList(
            [conv(8, 4, 1)] + [conv(8, 4, padding=rate, dilation=rate) for rate in (2, 3)]
        )
        self.last = nn.Conv2d(12, 4, 1)

    def forward(self, x):
        deep = self.trunk(x)
        found = self.last(torch.cat([branch(deep) for branch in self.branches], 1))
        return F.interpolate(found, size=x.shape[-2:], mode="bilinear", align_corners=False)


class UPerNet(nn.Module):
    """Three stages of ConvNeXt; the deepest one pooled in several ways; merged on the way up."""

    def __init__(self, *pools):
        super().__init__()
        wide = (8, 12, 16)
        blocks = [CNBlockConfig(*c, 1) for c in zip(wide, (*wide[1:], None), strict=True)]
        # layer_scale: as small as it begins, a block changes its sum by a millionth.
        self.features = ConvNeXt(blocks, layer_scale=1).features
        self.pools = nn.ModuleList(nn.Sequential(pool, nn.Conv2d(16, 2, 1)) for pool in pools)
        self.bottleneck = conv(16 + 2 * len(pools), 4)
        self.laterals = nn.ModuleList(nn.Conv2d(c, 4, 1) for c in wide[:2])
        self.smooth = nn.ModuleList(conv(4, 4) for _ in wide[:2])
        self.fuse = conv(12, 4)

    def forward(self, x):
        stem, one, down, two, deeper, three = self.features
        first = one(stem(x))
        second = two(down(first))
        deep = three(deeper(second))
        pooled = [up_to(pool(deep), deep) for pool in self.pools]
        deep = self.bottleneck(torch.cat([deep, *pooled], 1))
        second = self.laterals[1](second) + up_to(deep, second)
        first = self.laterals[0](first) + up_to(second, first)
        levels = [self.smooth[0](first), up_to(self.smooth[1](second), first), up_to(deep, first)]
        return up_to(self.fuse(torch.cat(levels, 1)), x)


def up_to(small, large):
    return F.interpolate(small, size=large.shape[-2:], mode="bilinear", align_corners=False)


class ValidUNet(nn.Module):
    """As of 2015: convolutions without padding, what goes across is cropped at its centre."""

    def __init__(self, levels):
        super().__init__()
        wide = [2 * (level + 1) for level in range(levels + 1)]
        pairs = list(pairwise(wide))
        self.down = nn.ModuleList(valid_pair(*c) for c in [(3, 2), *pairs])
        self.ups = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in reversed(pairs))
        self.merge = nn.ModuleList(valid_pair(2 * a, a) for a, _ in reversed(pairs))

    def forward(self, x):
        across = []
        for level in self.down[:-1]:
            x = level(x)
            across.append(x)
            x = F.max_pool2d(x, 2)
        x = self.down[-1](x)
        for up, merge in zip(self.ups, self.merge, strict=True):
            x = up(x)
            x = merge(torch.cat([center_crop(across.pop(), list(x.shape[-2:])), x], 1))
        return x


def valid_pair(inputs, outputs):
    return nn.Sequential(conv(inputs, outputs, padding=0), conv(outputs, outputs, padding=0))


NETWORKS = {
    "one convolution": lambda: conv(3, 4, 5),
    "a kernel of even size": lambda: nn.Conv2d(3, 4, 4, padding=1),
    "valid and dilated": lambda: nn.Sequential(
        conv(3, 4, 5, padding=0), conv(4, 4, padding=0, dilation=2)
    ),
    "strides": lambda: nn.Sequential(conv(3, 4, stride=2), conv(4, 4, stride=2)),
    "a stride of three": lambda: nn.Sequential(conv(3, 4, 5, stride=3), conv(4, 4)),
    "rows unlike columns": lambda: nn.Conv2d(3, 4, (7, 1), stride=(2, 1), padding=(3, 0)),
    "ceil mode": lambda: nn.Sequential(conv(3, 4), nn.MaxPool2d(3, 2, ceil_mode=True)),
    "transposed, odd phase": lambda: nn.Sequential(
        conv(3, 4, stride=2), nn.ConvTranspose2d(4, 4, 3, 2, padding=1, output_padding=1)
    ),
    "transposed, units that read nothing": lambda: nn.Sequential(
        nn.Conv2d(3, 4, 1, 2), nn.ConvTranspose2d(4, 4, 1, 2)
    ),
    "super-resolution": lambda: nn.Sequential(conv(3, 4), nn.Conv2d(4, 8, 1), nn.PixelShuffle(2)),
    "unshuffled": lambda: nn.Sequential(nn.PixelUnshuffle(4), nn.Conv2d(48, 4, 3, padding=1)),
    "nearest": lambda: UNet("mode='nearest'"),
    "bilinear": lambda: UNet("mode='bilinear'"),
    "bicubic": lambda: UNet("mode='bicubic'"),
    "transposed": lambda: UNet("transposed"),
    "transposed 3": lambda: UNet("transposed 3"),
    "shuffle": lambda: UNet("shuffle"),
    "reflected": lambda: UNet("mode='nearest'", "reflect"),
    "replicated": lambda: UNet("mode='bilinear'", "replicate"),
    "deeplab without image pooling": Atrous,
    "upernet without pooling": UPerNet,
    "upernet with pools of some units": lambda: UPerNet(nn.AvgPool2d(2), nn.AvgPool2d(3, 1, 1)),
    "unet of 2015, two levels": lambda: ValidUNet(2),
    "convnext's first block": lambda: nn.Sequential(
        convnext_tiny(weights=None).features[0], convnext_tiny(weights=None).features[1][0]
    ),
}
