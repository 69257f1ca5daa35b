"""Which margin is enough in fact: chosen by curves, held by tiles that are run with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, isfinite

import numpy as np
from jaxtyping import Float, Float64
from scipy import stats
from torch import Tensor, nn

from erf.errors import SettingError
from erf.progress import progress_bar
from erf.tiles.difference import Criterion, Whole
from erf.tiles.measured import MarginCurves
from erf.tiles.plan import Tiling
from erf.tiles.stitch import tiled


@dataclass(frozen=True)
class EnoughMargin:
    """The margin with which tiles differ by less than a tolerance.

    Attributes:
        tolerance: what is left has to be below it on every photo.
        criterion: ``change``: the largest change of a unit, in the layer's spread; ``flips``: the
            share of units whose strongest channel is another one.
        margin: pixels, with which every photo was run; None where no margin of such tiles will do.
        left: of the worst photo with that margin; with the largest one that was tried, if none is.
        each: the margin of every photo by the curves; infinite where none is.
        interval: of the median of ``each``, 95 %, by bootstrap; None with fewer than three photos.
    """

    tolerance: float
    criterion: Criterion
    margin: float | None
    left: float
    each: tuple[float, ...]
    interval: tuple[float, float] | None

    @property
    def photos(self) -> int:
        """How many were looked at."""
        return len(self.each)

    @property
    def exceeded(self) -> float:
        """With what probability, at most, another photo of the kind needs more: 1 / (photos + 1).

        Whichever of photos in random order needs the most is as likely to be the last as any other.
        """
        return 1 / (self.photos + 1)


def enough_margin(
    model: nn.Module,
    images: Sequence[Float[Tensor, "c h w"]],
    curves: MarginCurves,
    tolerance: float = 0.01,
    *,
    criterion: Criterion = "change",
    progress: bool = False,
) -> EnoughMargin:
    """The smallest margin by the curves with which tiles keep all photos within a tolerance.

    With a margin tiles begin elsewhere, and are more, than without one as for the curves. So all
    photos are run with it, and it is raised until all stay within the tolerance.

    Args:
        model, images: as of `margin_curves`.
        curves: of these.
        tolerance: what is left has to be below it.
        criterion: what is left, see `EnoughMargin`.
        progress: show a bar on standard error.

    Raises:
        SettingError: the tolerance is not above 0; or labels of a single channel are asked for.

    Example:
        >>> import torch
        >>> from erf.tiles import margin_curves, tiling
        >>> model, images = torch.nn.Conv2d(3, 4, 5, padding=2), [torch.randn(3, 64, 64)]
        >>> plan = tiling(model, image_size=(64, 64), tile=32)
        >>> enough_margin(model, images, margin_curves(model, images, plan), 1e-4).margin
        2.0
    """
    if not 0 < tolerance < inf:
        raise SettingError(f"tolerance {tolerance} must be a number above 0")
    found = curves.of(criterion)
    places = [_place(curve, tolerance) for curve in found]
    margins = [*curves.margins.tolist(), inf]
    each = tuple(margins[place] for place in places)
    envelope, place, left = found.max(axis=0), max(places), float(found[:, -1].max())
    while isfinite(margins[place]) and isfinite(curves.overhead[place]):
        plan = curves.plan.with_margin(margins[place])
        left = 0.0
        for now in _run(model, images, plan, criterion, progress):
            left = max(now, left)  # also where it is not a number
            if not left < tolerance:
                break
        else:
            interval = _interval_of_median(each)
            return EnoughMargin(tolerance, criterion, margins[place], left, each, interval)
        wanted = tolerance * min(1, envelope[place] / left)
        later = np.flatnonzero(envelope[place + 1 :] <= wanted)
        place = place + 1 + int(later[0]) if len(later) else len(envelope)
    return EnoughMargin(tolerance, criterion, None, left, each, None)


def _place(curve: Float64[np.ndarray, "margins"], tolerance: float) -> int:
    """The first margin from which on all that is left is below the tolerance."""
    wrong = np.flatnonzero(~(curve < tolerance))
    return int(wrong[-1]) + 1 if len(wrong) else 0


def _run(
    model: nn.Module,
    images: Sequence[Float[Tensor, "c h w"]],
    plan: Tiling,
    criterion: Criterion,
    progress: bool,
) -> Iterator[float]:
    """What is left of each image, run in the tiles of the plan."""
    title = f"margin {max(plan.margins):g} px"
    with progress_bar(title, len(images), show=progress) as advance:
        for image in images:
            whole = Whole.of(model, image, plan.layer)
            yield whole.left(tiled(model, image, plan), criterion)
            advance(1)


def _interval_of_median(each: Sequence[float]) -> tuple[float, float] | None:
    if len(each) < 3:
        return None
    if min(each) == max(each):
        return each[0], each[0]
    found = stats.bootstrap((each,), np.median, method="percentile", rng=np.random.default_rng(0))
    low, high = found.confidence_interval
    return float(low), float(high)
