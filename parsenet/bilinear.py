"""Deconvolution that starts as bilinear interpolation (FCN, section 3.3)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


def bilinear_taps(kernel: int) -> Float[Tensor, " kernel"]:
    """Return the one-dimensional bilinear filter of a deconvolution, in float64.

    A triangle of height at most 1: for kernel 16, stride 8 it runs .0625, .1875, ..., .9375, .9375,
    ..., .0625. Shifted by the stride it adds up to 1.
    """
    factor = (kernel + 1) // 2
    peak = factor - 1 if kernel % 2 else factor - 0.5
    position = torch.arange(kernel, dtype=torch.float64)
    return 1 - (position - peak).abs() / factor


class BilinearDeconvolution(nn.ConvTranspose2d):
    """Enlarge every channel ``factor`` times on its own; kernel ``2 * factor``.

    ``padding`` crops that many pixels from all sides; ``factor // 2`` makes the output exactly
    ``factor`` times as large. The weights start as bilinear taps, the bias as zero. FCN keeps them
    fixed (``trainable=False``, no bias); ParseNet's released network trains both.
    """

    def __init__(
        self, channels: int, factor: int, *, padding: int, bias: bool, trainable: bool
    ) -> None:
        super().__init__(
            channels,
            channels,
            kernel_size=2 * factor,
            stride=factor,
            padding=padding,
            groups=channels,
            bias=bias,
        )
        self.requires_grad_(trainable)

    def reset_parameters(self) -> None:
        """Set the weights to the bilinear taps and the bias to zero."""
        taps = bilinear_taps(self.kernel_size[0])
        with torch.no_grad():
            self.weight.copy_(torch.outer(taps, taps).expand_as(self.weight))
            if self.bias is not None:
                self.bias.zero_()
