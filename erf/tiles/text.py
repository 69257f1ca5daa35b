"""Tilings and measured margins in words."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np

from erf.photo import Photo
from erf.tiles.axis import TiledAxis
from erf.tiles.enough import EnoughMargin
from erf.tiles.measured import MarginCurves
from erf.tiles.plan import Tiling

SHOWN = 8
"""Tiles along an axis that are listed; of more, the first and the last."""


def describe_tiling(plan: Tiling, model: str) -> list[str]:
    """Lines for a person: margins, where tiles start, what is kept of each, what they cost.

    Example:
        >>> from torch import nn
        >>> from erf.tiles import tiling
        >>> plan = tiling(nn.Conv2d(3, 4, 5, padding=2), image_size=(100, 100), tile=40)
        >>> print(*describe_tiling(plan, "one convolution"), sep="\\n")
        one convolution, output at 100x100 px in tiles of 40x40 px
          margins    top 2, left 2, bottom 2, right 2 px, none at the image's border
          starts     at multiples of 1x1 px
          tiles      3x3, 44 % more pixels than the image has
        <BLANKLINE>
          rows and columns: pixels of the tile, its units that are kept, their place in the whole
                      0:40          0:38          0:38
                     36:76          2:38         38:74
                     60:100        14:40         74:100
    """
    if plan.refused:
        return [f"{model}: {plan.refused}"]
    image, tile, step = (
        "x".join(map(str, size)) for size in (plan.image_size, plan.tile, plan.step)
    )
    sides = zip(("top", "left", "bottom", "right"), plan.margins, strict=True)
    margins = ", ".join(f"{side} {margin:g}" for side, margin in sides)
    at_most = "at most " if plan.status == "upper_bound" else ""
    because = f" ({', '.join(plan.reasons)})" if plan.reasons else ""
    lines = [
        f"{model}, {plan.layer} at {image} px in tiles of {tile} px",
        f"  margins    {at_most}{margins} px{because}, none at the image's border",
        f"  starts     at multiples of {step} px",
        f"  tiles      {len(plan.rows.pieces)}x{len(plan.cols.pieces)}, "
        f"{_percent(plan.overhead)} more pixels than the image has",
    ]
    if plan.rows == plan.cols:
        return [*lines, *_pieces("rows and columns", plan.rows)]
    return [*lines, *_pieces("rows", plan.rows), *_pieces("columns", plan.cols)]


def _pieces(title: str, axis: TiledAxis) -> list[str]:
    """What each tile along an axis reads and gives, as slices."""
    lines = [
        (
            f"  {_slice(piece.start, piece.stop)}"
            f"{_slice(piece.skipped, piece.skipped + piece.last - piece.first)}"
            f"{_slice(piece.first, piece.last)}"
        ).rstrip()
        for piece in axis.pieces
    ]
    if len(lines) > SHOWN:
        step = axis.pieces[2].start - axis.pieces[1].start
        more = f"{'...':>10} {len(lines) - 5} more, each {step} px further on"
        lines = [*lines[:3], more, *lines[-2:]]
    head = f"  {title}: pixels of the tile, its units that are kept, their place in the whole"
    return ["", head, *lines]


def _slice(first: int, last: int) -> str:
    return f"{first:>8}:{last:<6}"


def describe_margins(curves: MarginCurves, enough: EnoughMargin) -> list[str]:
    """Lines for a person: what is left at some margins, and which margin is enough."""
    lines = ["", "  margin, px   worst     typical   labels that flip   more pixels"]
    for place in _places(curves, enough):
        flips = "-" if curves.flips is None else f"{100 * curves.flips[:, place].max():.3g} %"
        lines.append(
            f"  {curves.margins[place]:10.0f}   {curves.worst[:, place].max():<9.2g} "
            f"{curves.typical[:, place].max():<9.2g} {flips:>16}   "
            f"{_percent(curves.overhead[place]):>11}"
        )
    return [*lines, f"  {enough_line(enough)}{_for_the_same(curves, enough)}"]


def describe_photos(photos: Sequence[Photo], image_size: tuple[int, int]) -> list[str]:
    """A line on what is measured: how many photos, and whether they had to be scaled."""
    scaled = [photo for photo in photos if tuple(photo.source["size"][:2]) != image_size]
    size = "x".join(map(str, image_size))
    words = f", {len(scaled)} of them scaled and cropped to {size} px" if scaled else ""
    return [f"  photos     {len(photos)}{words}"]


def enough_line(enough: EnoughMargin) -> str:
    """The recommendation in a line.

    Returns:
        which margin is enough and on how many photos that rests; or that none is.
    """
    photos = "1 photo" if enough.photos == 1 else f"{enough.photos} photos"
    of = "of the layer's spread" if enough.criterion == "change" else "of labels that flip"
    if enough.margin is None:
        return (
            f"no margin of these tiles keeps {photos} below {_share(enough.tolerance)} {of} "
            f"({_share(enough.left)} is left): take larger tiles"
        )
    line = (
        f"{enough.margin:g} px are enough: tiles with this margin leave {_share(enough.left)} {of} "
        f"at the worst of {photos}, less than {_share(enough.tolerance)}"
    )
    if enough.interval is not None:
        low, high = enough.interval
        line += f" (median over photos: 95 % interval {low:g} to {high:g} px)"
    return f"{line}; another photo needs more with a probability of at most {enough.exceeded:.2g}"


def _places(curves: MarginCurves, enough: EnoughMargin) -> list[int]:
    """About eight margins up to theory's, each the largest at its price, and what is enough."""
    beyond = curves.margins >= (inf if curves.theory is None else curves.theory)
    last = int(beyond.argmax()) if beyond.any() else len(beyond) - 1
    priced = [0, *np.flatnonzero(np.diff(curves.overhead[: last + 1])), last]
    chosen = {int(priced[round((len(priced) - 1) * part / 7)]) for part in range(8)}
    return sorted(chosen | {p for p, each in enumerate(curves.margins) if each == enough.margin})


def _for_the_same(curves: MarginCurves, enough: EnoughMargin) -> str:
    """How much more margin costs no more: as many tiles, which overlap by more than is needed."""
    theory = inf if curves.theory is None else curves.theory
    if enough.margin is None or enough.margin >= theory:
        return ""
    price = curves.overhead[curves.margins == enough.margin]
    most = float(curves.margins[curves.overhead == price].max())
    if theory <= most:
        return f"; theory's {theory:g} px cost no more"
    return f"; up to {most:g} px cost no more" if most > enough.margin else ""


def _share(share: float) -> str:
    return f"{100 * share:.2g} %"


def _percent(share: float) -> str:
    return "impossible" if share == float("inf") else f"{100 * share:.0f} %"
