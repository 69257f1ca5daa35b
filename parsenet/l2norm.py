"""L2 normalisation across channels with a learnt scale (ParseNet, section 3.3)."""

from math import isfinite

import torch
from jaxtyping import Float
from torch import Tensor, nn

from parsenet.errors import ModelError

EPSILON = 1e-10


class L2Norm(nn.Module):
    """Divide every position by the L2 norm over its channels, then scale channel c by γ_c.

    ``y = γ · x / sqrt(ε + Σ_c x_c²)``: ε = 1e-10 stands inside the root, as in the original's
    forward pass. γ starts at 10 in the released ParseNet (20 on conv4_3 in SSD); features of norm 1
    are so small that the network hardly trains.

    The gradient is autograd's, which is exact and equals the paper's

        ∂ℓ/∂x̂ = γ ∂ℓ/∂y,   ∂ℓ/∂x = (∂ℓ/∂x̂ - x (x·∂ℓ/∂x̂) / n²) / n,   ∂ℓ/∂γ_c = Σ ∂ℓ/∂y_c x̂_c.

    The original layer differs: it computes ``γ_c (∂ℓ/∂y_c - x_c (x·∂ℓ/∂y) / n²) / n``, that is with
    γ outside the inner product. The two agree only while all γ are equal, as at the start. It also
    obtains ∂ℓ/∂γ_c as ``Σ y_c ∂ℓ/∂y_c / γ_c``, which is undefined at γ_c = 0.
    """

    def __init__(self, channels: int, *, scale: float = 10.0) -> None:
        super().__init__()
        if isinstance(scale, bool) or not isinstance(scale, int | float) or not isfinite(scale):
            raise ModelError(f"scale must be a finite number, not {scale!r}")
        self.channels = channels
        self.scale = scale
        self.gamma = nn.Parameter(torch.full((channels,), float(scale)))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Return the normalised and scaled map."""
        norm = (x.square().sum(dim=1, keepdim=True) + EPSILON).sqrt()
        return x / norm * self.gamma.view(1, -1, 1, 1)

    def extra_repr(self) -> str:
        """Return what ``repr`` shows between the brackets."""
        return f"{self.channels}, scale={self.scale:g}"
