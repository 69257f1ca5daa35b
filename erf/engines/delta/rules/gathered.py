"""Convolution to few positions: what each of them reads is gathered, and multiplied at once.

A sliding kernel is fast on long rows. Near a unit, where windows shrink to the unit's own place,
there are no rows left, and a product of matrices is up to four times as fast.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from erf.engines.delta.rules import vectors

CHANNELS = 64
"""Fewest input channels: with fewer, gathering costs more than it saves."""
ALWAYS = 3
"""Positions up to which gathering wins in any case: measured on one core."""
MOST, WIDE, MANY = 9, 256, 512
"""Up to ``MOST`` positions it wins for ``WIDE`` channels and ``MANY`` positions in the batch."""


def pays(positions: int, batch: int, channels: int) -> bool:
    """Whether to gather.

    Args:
        positions: of each output window.
        batch: how many windows.
        channels: of the input.
    """
    if channels < CHANNELS:
        return False
    few = positions <= MOST and channels >= WIDE and batch * positions >= MANY
    return positions <= ALWAYS or few


def convolve(
    change: Float[Tensor, "batch c rows cols"],
    weight: Float[Tensor, "o c kernel_rows kernel_cols"],
    stride: tuple[int, int],
) -> Float[Tensor, "batch o out_rows out_cols"]:
    """Without padding, dilation or groups."""
    windows = change.unfold(2, weight.shape[2], stride[0]).unfold(3, weight.shape[3], stride[1])
    batch, _, rows, cols = windows.shape[:4]
    gathered = windows.permute(0, 2, 3, 4, 5, 1).reshape(batch * rows * cols, -1)
    product = vectors.multiply(gathered, weight.permute(0, 2, 3, 1).flatten(1))
    return product.view(batch, rows, cols, -1).permute(0, 3, 1, 2)
