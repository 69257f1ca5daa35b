"""Blocks of transformers: weak noise against the gradient, tokens against the map, theory.

For each block one unit in the middle of its map, one channel. Noise of 1e-4 in patches of the image
goes through the delta engine; the unit's gradient comes from autograd through a hook on the block,
which knows nothing of ours, and says what each of these disturbances must change to first order.
Where the gradient is not zero says what the theoretical field must be.

    python -m benchmarks.transformer_blocks --json FILE
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

import erf
from benchmarks.architecture_list import architectures
from benchmarks.architecture_row import stirred
from erf.geometry import Box, PatchGrid
from erf.probing.passes import disturbance_of

SIGMA = 1e-4
"""Standard deviation of the noise, where the image's is 1."""
DRAWS = 4


@dataclass(frozen=True)
class Blocks:
    """Some blocks of one model.

    Attributes:
        label: of the architecture.
        path: of a block, with ``{}`` for which.
        which: of the blocks.
        others: tokens before those of the grid; None where there are rows and columns instead.
    """

    label: str
    path: str
    which: tuple[str, ...]
    others: int | None


QUARTERS = ("0", "3", "7", "11")
WINDOWS = ("0.blocks.0", "0.blocks.1", "1.blocks.1", "2.blocks.5")
BLOCKS = (
    Blocks("timm:vit_tiny_patch16_224", "blocks.{}", QUARTERS, 1),
    Blocks("timm:deit_tiny_distilled_patch16_224", "blocks.{}", QUARTERS, 2),
    Blocks("timm:deit3_small_patch16_224", "blocks.{}", QUARTERS, 1),
    Blocks("timm:beit_base_patch16_224", "blocks.{}", QUARTERS, 1),
    Blocks("timm:vit_small_patch14_reg4_dinov2", "blocks.{}", QUARTERS, 5),
    Blocks("timm:eva02_tiny_patch14_224", "blocks.{}", QUARTERS, 1),
    Blocks("timm:swin_tiny_patch4_window7_224", "layers.{}", WINDOWS, None),
    Blocks("torchvision:vit_b_16", "encoder.layers.encoder_layer_{}", QUARTERS, 1),
    Blocks("transformers:ViTModel", "layers.{}", QUARTERS, 1),
    Blocks("transformers:BeitModel", "layers.{}", QUARTERS, 1),
    Blocks("transformers:Dinov2WithRegistersModel", "encoder.layer.{}", QUARTERS, 5),
    Blocks("transformers:SamVisionModel", "vision_encoder.layers.{}", QUARTERS, None),
)


@dataclass(frozen=True)
class Block:
    """What was found of one block.

    Attributes:
        label, layer: of the architecture and the block.
        others: tokens that are no place of the image.
        grid: (rows, cols) of the map.
        status: of the theoretical field.
        box: of the unit by theory.
        reached: the smallest box with all pixels of which the gradient is not zero.
        noise: largest difference of noise from the gradient, over the largest change.
        gradient: largest difference of `erf.gradient_field` from autograd, over the largest.
        map: largest difference of the map from the tokens without the others; 0 if they are one.
    """

    label: str
    layer: str
    others: int
    grid: tuple[int, int]
    status: str
    box: tuple[int, int, int, int]
    reached: tuple[int, int, int, int]
    noise: float
    gradient: float
    map: float

    @property
    def agrees(self) -> bool:
        """Whether all is as it must be."""
        close = self.noise < 0.01 and self.gradient < 1e-4 and self.map < 1e-5
        return close and self.box == self.reached and self.status in ("exact", "whole_image")


def examine(model: nn.Module, side: int, blocks: Blocks) -> Iterator[Block]:
    """All blocks of one model.

    Args:
        model: in evaluation mode.
        side: of the image, pixels.
        blocks: which of them.
    """
    image = torch.randn(3, side, side, generator=torch.Generator().manual_seed(1))
    subject = erf.Subject(model, image)
    for which in blocks.which:
        yield _block(subject, blocks, blocks.path.format(which))


def _block(subject: erf.Subject, blocks: Blocks, layer: str) -> Block:
    found = subject.observe([layer])[layer]
    rows, cols = found.shape[1:]
    unit, channel = (rows // 2, cols // 2), 1
    tokens, pull = _by_hook(subject, layer, blocks.others, unit, channel)
    noise = erf.Noise(patch=subject.image_size[0] // 4, draws=DRAWS, sigma=SIGMA, engine="delta")
    result = subject.probe(layer, noise, unit=unit, channel=channel)
    absolute = subject.probe(layer, erf.Gradient(), unit=unit, channel=channel)
    assert isinstance(result, erf.UnitResult)
    assert isinstance(absolute, erf.UnitResult)
    expected, largest = _first_order(subject, noise, pull), pull.abs().sum(0).numpy()
    samples = np.asarray(result.samples).reshape(DRAWS, -1)
    theory = subject.theory(layer)
    box, hit = theory.unit(unit).box, np.argwhere(largest > 0)
    (top, left), (bottom, right) = hit.min(0), hit.max(0) + 1
    return Block(
        label=blocks.label,
        layer=layer,
        others=blocks.others or 0,
        grid=(rows, cols),
        status=theory.status,
        box=_ends(box),
        reached=(int(top), int(left), int(bottom), int(right)),
        noise=float(np.abs(samples - expected).max() / samples.max()),
        gradient=float(np.abs(absolute.discrepancy - largest).max() / largest.max()),
        map=float((found - tokens).abs().max()),
    )


def _ends(box: Box) -> tuple[int, int, int, int]:
    return box.top, box.left, box.bottom, box.right


def _by_hook(
    subject: erf.Subject, layer: str, others: int | None, unit: tuple[int, int], channel: int
) -> tuple[Float[Tensor, "channels rows cols"], Float[Tensor, "c h w"]]:
    """The block's map and the gradient of one number of it, by PyTorch alone."""
    kept: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: object, output: object) -> None:
        kept.append(output if isinstance(output, Tensor) else output[0])  # type: ignore[index]

    handle = subject.model.get_submodule(layer).register_forward_hook(keep)
    try:
        pixels = subject.image.clone().requires_grad_()
        subject.model(pixels[None])
    finally:
        handle.remove()
    (tokens,) = kept[-1]
    if others is not None:
        side = round((len(tokens) - others) ** 0.5)
        tokens = tokens[others:].reshape(side, side, -1)
    (pull,) = torch.autograd.grad(tokens[(*unit, channel)], pixels)
    return tokens.detach().permute(2, 0, 1), pull


def _first_order(
    subject: erf.Subject, noise: erf.Noise, pull: Float[Tensor, "c h w"]
) -> np.ndarray:
    """(draws, patches): what the gradient says that each disturbance changes."""
    grid = PatchGrid(subject.image_size, noise.patch, noise.step)
    disturb = disturbance_of(noise, subject.image, grid)
    patches = np.arange(len(grid))
    slices = [pull[:, *grid.box(patch).slices()] for patch in range(len(grid))]
    expected = [
        (torch.stack(slices) * disturb(patches, np.full(len(grid), draw))).sum((1, 2, 3)).abs()
        for draw in range(noise.rule)
    ]
    return torch.stack(expected).numpy()


def main(arguments: Sequence[str] | None = None) -> int:
    """Examine all; print each, write JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transformer_blocks")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--only", nargs="*", metavar="TEXT")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    known = {each.label: each for each in architectures()}
    rows = json.loads(options.json.read_text("utf-8")) if options.json.exists() else []
    done = {row["label"] for row in rows}
    for blocks in BLOCKS:
        if blocks.label in done or (options.only and blocks.label not in options.only):
            continue
        torch.manual_seed(0)
        model = stirred(known[blocks.label].build().eval())
        for block in examine(model, known[blocks.label].size[0], blocks):
            print(block.agrees, block, flush=True)
            rows.append(asdict(block) | {"agrees": block.agrees})
        options.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
