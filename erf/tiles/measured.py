"""How tiles differ from the whole image, by the distance from a tile's side, on photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from erf.errors import SettingError, TilingError
from erf.progress import progress_bar
from erf.tiles.axis import Piece, TiledAxis
from erf.tiles.difference import Criterion, Whole
from erf.tiles.plan import Tiling
from erf.tiles.stitch import tile_maps

Curve = Float64[np.ndarray, "margins"]
Curves = Float64[np.ndarray, "photos margins"]


@dataclass(frozen=True, eq=False)
class MarginCurves:
    """How far tiles are from the whole image, by how much of their sides is dropped.

    Attributes:
        plan: the tiles, without a margin.
        theory: the margin that is enough by theory, pixels; None where none is.
        margins: pixels from a tile's side, from 0 on.
        worst: the largest change of a unit at least so far inside, over the spread of the layer: L2
            over channels, over the root mean square distance of units from their mean.
        typical: the same, root mean square over units.
        flips: share of units whose strongest channel is another one; None for a single channel.
        overhead: pixels computed more than once, as a share of the image; infinite where a tile is
            too small for the margin.
    """

    plan: Tiling
    theory: float | None
    margins: Curve
    worst: Curves
    typical: Curves
    flips: Curves | None
    overhead: Curve

    def of(self, criterion: Criterion) -> Curves:
        """``worst`` for ``change``, ``flips`` for ``flips``.

        Raises:
            SettingError: a layer of one channel has no labels.
        """
        if criterion == "change":
            return self.worst
        if self.flips is None:
            raise SettingError(
                f"layer {self.plan.layer!r} has one channel: no labels that could flip"
            )
        return self.flips


def margin_curves(
    model: nn.Module,
    images: Sequence[Float[Tensor, "c h w"]],
    plan: Tiling,
    *,
    progress: bool = False,
) -> MarginCurves:
    """Run every image whole and in tiles, and compare the layer by distance from a tile's side.

    Sides at the image's border do not count. Each image has to fit in memory whole. Tiles lie side
    by side, as without a margin: what is left with a margin, `enough_margin` finds out.

    Args:
        model: handed back as found.
        images: (channels, rows, cols) of the plan's size, in the model's input space.
        plan: of `tiling`, or of `bare_tiling` where no margin is enough by theory.
        progress: show a bar on standard error.

    Raises:
        SettingError: no image, or one of another size.
        TilingError: the image is a single tile; or the model does not take a tile.

    Example:
        >>> import torch
        >>> from erf.tiles import tiling
        >>> model = torch.nn.Conv2d(3, 4, 5, padding=2)
        >>> plan = tiling(model, image_size=(64, 64), tile=32)
        >>> curves = margin_curves(model, [torch.randn(3, 64, 64)], plan)
        >>> curves.margins[curves.worst[0] < 1e-4][0]
        np.float64(2.0)
    """
    sizes = {tuple(image.shape[1:]) for image in images}
    if sizes != {plan.image_size}:
        raise SettingError(
            f"images of {sorted(sizes)} must all be of {plan.image_size}, at least one"
        )
    bare = plan.with_margin(0)
    if len(bare.pieces) == 1:
        raise TilingError(f"an image of {plan.image_size} px is one tile of {plan.tile} px")
    tile = min(axis.tile for axis in (plan.rows, plan.cols) if axis.tile < axis.size)
    margins = np.arange(0, tile / 2, max(plan.rows.stride, plan.cols.stride))
    with progress_bar("photos", len(images), show=progress) as advance:
        curves = []
        for image in images:
            curves.append(_curves(_compared(model, image, bare), margins))
            advance(1)
    worst, typical, flips = (np.stack(each) for each in zip(*curves, strict=True))
    overhead = np.array([_overhead(plan, margin) for margin in margins])
    several = bool(np.isfinite(flips).all())
    theory = max(plan.margins) if plan.sufficient else None
    return MarginCurves(bare, theory, margins, worst, typical, flips if several else None, overhead)


def _compared(
    model: nn.Module, image: Float[Tensor, "c h w"], bare: Tiling
) -> Float64[np.ndarray, "3 units"]:
    """Of all units of tiles: distance from the side, relative change, whether flipped."""
    whole = Whole.of(model, image, bare.layer)
    parts = []
    for (rows, cols), tile in tile_maps(model, image, bare):
        row, col = rows.first - rows.skipped, cols.first - cols.skipped
        here = tile[:, : whole.map.shape[1] - row, : whole.map.shape[2] - col]
        far = np.minimum(
            _distances(bare.rows, rows, here.shape[1])[:, None],
            _distances(bare.cols, cols, here.shape[2])[None, :],
        )
        flipped = whole.flipped(here, row, col).double()
        if not whole.labelled:
            flipped.fill_(torch.nan)
        found = (each.double().cpu().numpy() for each in (whole.change(here, row, col), flipped))
        parts.append(np.stack([far, *found]).reshape(3, -1))
    return np.concatenate(parts, axis=1)


def _distances(axis: TiledAxis, piece: Piece, units: int) -> Float64[np.ndarray, "units"]:
    """Pixels from the pixels of each unit to the nearer end of a tile that is not the image's."""
    first = axis.origin + np.arange(units) * axis.stride
    before = first if piece.start > 0 else np.full(units, np.inf)
    end = piece.stop - piece.start - first - axis.stride
    return np.minimum(before, end if piece.stop < axis.size else np.inf)


def _curves(compared: Float64[np.ndarray, "3 units"], margins: Curve) -> tuple[Curve, Curve, Curve]:
    """Worst and typical change and share of flips of the units at least a margin inside."""
    far, change, flipped = compared[:, np.argsort(compared[0])]
    begin = np.searchsorted(far, margins - 1e-9)
    count = np.arange(len(far), 0, -1)
    worst = np.maximum.accumulate(change[::-1])[::-1]
    typical = np.sqrt(np.cumsum(np.square(change[::-1]))[::-1] / count)
    flips = np.cumsum(flipped[::-1])[::-1] / count
    return worst[begin], typical[begin], flips[begin]


def _overhead(plan: Tiling, margin: float) -> float:
    try:
        return plan.with_margin(margin).overhead
    except TilingError:
        return float("inf")
