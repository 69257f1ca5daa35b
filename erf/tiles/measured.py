"""How much overlap is enough in fact: tiles against the whole image, on photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64
from scipy import stats
from torch import Tensor, nn

from erf.borrow import borrowed, kept_buffers, placed_like
from erf.errors import SettingError, TilingError
from erf.graph import try_graph_of
from erf.model import observe_maps
from erf.progress import progress_bar
from erf.tiles.axis import Piece, TiledAxis
from erf.tiles.plan import Tiling
from erf.tiles.stitch import tile_maps

Curve = Float64[np.ndarray, "margins"]
Curves = Float64[np.ndarray, "photos margins"]


@dataclass(frozen=True)
class EnoughMargin:
    """The margin beyond which tiles differ by less than a tolerance.

    Attributes:
        margin: pixels; the largest that one of the photos needs.
        each: of every photo.
        interval: of the median over photos, 95 %, by bootstrap; None with fewer than three photos.
        photos: how many were looked at.
    """

    margin: float
    each: tuple[float, ...]
    interval: tuple[float, float] | None
    photos: int

    @property
    def exceeded(self) -> float:
        """With what probability, at most, another photo of the kind needs more: 1 / (photos + 1).

        Whichever of photos in random order needs the most is as likely to be the last as any other.
        """
        return 1 / (self.photos + 1)


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

    def enough(self, tolerance: float = 0.01) -> EnoughMargin:
        """The smallest margin from which on no unit changes by as much as the tolerance.

        Raises:
            SettingError: the tolerance is not above 0.
            TilingError: no margin of these tiles is enough for some photo.
        """
        if not tolerance > 0:
            raise SettingError(f"tolerance {tolerance} must be above 0")
        each = []
        for number, worst in enumerate(self.worst):
            wrong = np.flatnonzero(worst >= tolerance)
            place = 0 if not len(wrong) else int(wrong[-1]) + 1
            if place == len(self.margins):
                raise TilingError(
                    f"no margin up to {self.margins[-1]:g} px keeps photo {number + 1} within "
                    f"{tolerance:g} of the layer's spread ({worst[-1]:.2g} is left): "
                    "take larger tiles"
                )
            each.append(float(self.margins[place]))
        return EnoughMargin(max(each), tuple(each), _interval_of_median(each), len(each))


def margin_curves(
    model: nn.Module,
    images: Sequence[Float[Tensor, "c h w"]],
    plan: Tiling,
    *,
    progress: bool = False,
) -> MarginCurves:
    """Run every image whole and in tiles, and compare the layer by distance from a tile's side.

    Sides at the image's border do not count. Each image has to fit in memory whole.

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
        >>> margin_curves(model, [torch.randn(3, 64, 64)], plan).enough(1e-4).margin
        2.0
    """
    sizes = {tuple(image.shape[1:]) for image in images}
    if sizes != {plan.image_size}:
        raise SettingError(
            f"images of {sorted(sizes)} must all be of {plan.image_size}, at least one"
        )
    bare = plan.with_margin(0)
    if len(bare.pieces) == 1:
        raise TilingError(f"an image of {plan.image_size} px is one tile of {plan.tile} px")
    margins = np.arange(0, min(plan.tile) / 2, max(plan.rows.stride, plan.cols.stride))[:-1]
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
    placed = placed_like(model, torch.as_tensor(image))[None]
    graph = try_graph_of(model, placed.shape)
    with borrowed(model), kept_buffers(model):
        whole = observe_maps(model, placed.clone(), [bare.layer], graph)[bare.layer][0]
    spread = (whole - whole.mean(dim=(1, 2), keepdim=True)).norm(dim=0).square().mean().sqrt()
    if not spread > 0:
        raise TilingError(
            f"layer {bare.layer!r} is the same everywhere: there is nothing to compare"
        )
    parts = []
    for (rows, cols), tile in tile_maps(model, image, bare):
        row, col = rows.first - rows.skipped, cols.first - cols.skipped
        there = whole[:, row : row + tile.shape[1], col : col + tile.shape[2]]
        here = tile[:, : there.shape[1], : there.shape[2]]
        flipped = (here.argmax(dim=0) != there.argmax(dim=0)).double()
        if len(whole) == 1:
            flipped.fill_(torch.nan)
        far = np.minimum(
            _distances(bare.rows, rows, here.shape[1])[:, None],
            _distances(bare.cols, cols, here.shape[2])[None, :],
        )
        change = ((here - there).norm(dim=0) / spread).double()
        parts.append(np.stack([far, change.cpu().numpy(), flipped.cpu().numpy()]).reshape(3, -1))
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


def _interval_of_median(each: Sequence[float]) -> tuple[float, float] | None:
    if len(each) < 3:
        return None
    if min(each) == max(each):
        return each[0], each[0]
    found = stats.bootstrap((each,), np.median, method="percentile", rng=np.random.default_rng(0))
    low, high = found.confidence_interval
    return float(low), float(high)
