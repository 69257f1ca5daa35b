"""What a probe will roughly show, from one gradient: a picture to look at before the first draw."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from erf.geometry import PatchGrid
from erf.model import Specimen
from erf.probing.gradient import differentiate
from erf.probing.passes import Asked
from erf.settings import Disturbance, Gradient

PROJECTIONS = 2
"""Random sums that stand for all channels; few, for it is only a look."""


def foresee(
    specimen: Specimen, asked: Asked, settings: Disturbance
) -> Float64[np.ndarray, "patch_rows patch_cols"]:
    """The field as weak noise would show it, as shares of its peak.

    Of a change that is small enough every network is linear: noise in a patch then changes the unit
    by the root of the sum of squared gradients in it. Strong noise differs, as rectifiers switch.

    Args:
        specimen: the model and the image.
        asked: the unit.
        settings: of the probe that is to come; its patches are used.

    Returns:
        At most 1; zeros where the gradient is.

    Raises:
        ModelError: when the model cuts the gradient; else as `erf.probing.differentiate`.

    Example:
        >>> import torch, erf
        >>> specimen = Specimen(torch.nn.Conv2d(3, 4, 3, padding=1), torch.randn(3, 16, 16))
        >>> foresee(specimen, Asked("output"), erf.Noise(patch=8)).shape
        (2, 2)
    """
    grid = PatchGrid(specimen.image_size, settings.patch, settings.step)
    found = differentiate(specimen, asked, Gradient(reduce="squared", projections=PROJECTIONS))
    sums = np.zeros([side + 1 for side in specimen.image_size])
    sums[1:, 1:] = found.discrepancy.cumsum(axis=0).cumsum(axis=1)
    (top, left), side = grid.starts, grid.patch
    below, right = top + side, left + side
    squares = (
        sums[np.ix_(below, right)]
        - sums[np.ix_(top, right)]
        - sums[np.ix_(below, left)]
        + sums[np.ix_(top, left)]
    )
    field = np.sqrt(np.maximum(squares, 0))
    peak = float(field.max())
    return field / peak if peak > 0 else field
