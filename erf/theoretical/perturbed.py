"""Units that change with the numbers in a part of an image, for where operators swallow NaN."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool

from erf.borrow import placed_like
from erf.theoretical.half_images import HalfImages

DRAWS = 4
"""Images, and what their pixels change to: one choice may not change what a gate lets through."""
CHANGE = 3.0
"""Standard deviation of the pixels."""
ROUNDING = 1e-5
"""Of the largest output: changes below it may be rounding."""


class Perturbed(HalfImages):
    """Hits are units that change when the pixels of a region are drawn anew.

    A unit is hit only if it reads some pixel of the region; one that is not hit may yet read some.
    """

    def hits(self, regions: Sequence[tuple[slice, slice]]) -> Bool[np.ndarray, "n rows cols"]:
        """Units that change with a region, for any of several draws."""
        found: Bool[np.ndarray, "n rows cols"] | None = None
        for draw in range(DRAWS):
            generator = torch.Generator().manual_seed(draw)
            shape = tuple(self.image.shape)
            clean, other = (
                placed_like(self.model, torch.randn(shape, generator=generator) * CHANGE)
                for _ in range(2)
            )
            images = clean.repeat(len(regions) + 1, 1, 1, 1)
            for image, (rows, cols) in zip(images[1:], regions, strict=True):
                image[:, rows, cols] = other[:, rows, cols]
            output = self.run(images)
            output = output if output.is_floating_point() else output.double()
            limit = ROUNDING * output[:1].abs().nan_to_num().max()
            hit = self._over_channels((output[1:] - output[:1]).abs() > limit)
            found = hit if found is None else found | hit
        assert found is not None
        return found
