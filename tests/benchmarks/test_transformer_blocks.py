"""Blocks of transformers: weak noise is the gradient, the class token is left out, theory fits.

The gradient is autograd's through a hook on the block, tokens are cut by their published number.
"""

from functools import partial

import pytest
import torch
import torchvision
from torch import nn

from benchmarks.architecture_list import architectures
from benchmarks.architecture_row import stirred
from benchmarks.transformer_blocks import BLOCKS, Blocks, examine

TWO = ("0", "1")
VIT = partial(
    torchvision.models.VisionTransformer,
    image_size=32,
    patch_size=8,
    num_layers=2,
    num_heads=2,
    hidden_dim=16,
    mlp_dim=32,
    num_classes=3,
)
SWIN = partial(
    torchvision.models.SwinTransformer,
    patch_size=[4, 4],
    embed_dim=8,
    depths=[2, 2],
    num_heads=[2, 2],
    window_size=[4, 4],
    num_classes=3,
)


class Registered(nn.Module):
    """Registers between a class token and the grid's tokens, put there as DINOv2 does."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Conv2d(3, 16, 8, stride=8)
        self.first, self.more = (nn.Parameter(torch.randn(1, count, 16)) for count in (1, 4))
        layer = partial(nn.TransformerEncoderLayer, 16, 2, 32, batch_first=True, norm_first=True)
        self.blocks = nn.ModuleList([layer() for _ in range(2)])

    def forward(self, x):
        tokens = self.embed(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.first.expand(len(x), -1, -1), tokens], 1)
        more = self.more.expand(len(x), -1, -1)
        tokens = torch.cat([tokens[:, :1], more, tokens[:, 1:]], 1)
        for block in self.blocks:
            tokens = block(tokens)
        return tokens


SMALL = {
    "class token": (VIT, 32, Blocks("", "encoder.layers.encoder_layer_{}", TWO, 1)),
    "windows": (SWIN, 48, Blocks("", "features.1.{}", TWO, None)),
}


REACHED = {
    "class token": [("whole_image", (0, 0, 32, 32))] * 2,
    # The second block's windows are shifted by half of one.
    "windows": [("exact", (16, 16, 32, 32)), ("exact", (16, 16, 48, 48))],
}


@pytest.mark.parametrize("kind", SMALL)
def test_noise_is_the_gradient_and_theory_says_what_it_reaches(kind):
    make, side, blocks = SMALL[kind]
    torch.manual_seed(0)
    found = list(examine(stirred(make().eval()), side, blocks))
    assert [block for block in found if not block.agrees] == []
    assert [(block.status, block.reached) for block in found] == REACHED[kind]


@pytest.mark.slow
@pytest.mark.parametrize("blocks", BLOCKS, ids=lambda blocks: blocks.label)
def test_blocks_at_full_depth(blocks):
    pytest.importorskip(blocks.label.partition(":")[0])
    (architecture,) = (each for each in architectures() if each.label == blocks.label)
    torch.manual_seed(0)
    model = stirred(architecture.build().eval())
    found = list(examine(model, architecture.size[0], blocks))
    assert len(found) == 4
    assert [block for block in found if not block.agrees] == []
