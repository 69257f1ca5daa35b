"""Tilings and measured margins in words."""

from __future__ import annotations

from erf.errors import TilingError
from erf.tiles.measured import MarginCurves
from erf.tiles.plan import Tiling


def describe_tiling(plan: Tiling, model: str) -> list[str]:
    """Lines for a person: margins, where tiles start, how many there are, what they cost.

    Example:
        >>> from torch import nn
        >>> from erf.tiles import tiling
        >>> plan = tiling(nn.Conv2d(3, 4, 5, padding=2), image_size=(100, 100), tile=40)
        >>> print(*describe_tiling(plan, "one convolution"), sep="\\n")
        one convolution, output at 100x100 px in tiles of 40x40 px
          margins    top 2, left 2, bottom 2, right 2 px, none at the image's border
          starts     at multiples of 1x1 px
          tiles      3x3, 44 % more pixels than the image has
    """
    image, tile, step = (
        "x".join(map(str, size)) for size in (plan.image_size, plan.tile, plan.step)
    )
    sides = zip(("top", "left", "bottom", "right"), plan.margins, strict=True)
    margins = ", ".join(f"{side} {margin:g}" for side, margin in sides)
    at_most = "at most " if plan.status == "upper_bound" else ""
    because = f" ({', '.join(plan.reasons)})" if plan.reasons else ""
    return [
        f"{model}, {plan.layer} at {image} px in tiles of {tile} px",
        f"  margins    {at_most}{margins} px{because}, none at the image's border",
        f"  starts     at multiples of {step} px",
        f"  tiles      {len(plan.rows.pieces)}x{len(plan.cols.pieces)}, "
        f"{100 * plan.overhead:.0f} % more pixels than the image has",
    ]


def describe_margins(curves: MarginCurves, tolerance: float) -> list[str]:
    """Lines for a person: what is left at some margins, and which margin is enough."""
    lines = ["  margin, px   worst     typical   labels that flip   more pixels"]
    for place in _places(curves, tolerance):
        flips = "-" if curves.flips is None else f"{100 * curves.flips[:, place].max():.3g} %"
        lines.append(
            f"  {curves.margins[place]:10.0f}   {curves.worst[:, place].max():<9.2g} "
            f"{curves.typical[:, place].max():<9.2g} {flips:>16}   "
            f"{_percent(curves.overhead[place]):>11}"
        )
    return [*lines, f"  {enough_line(curves, tolerance)}"]


def enough_line(curves: MarginCurves, tolerance: float) -> str:
    """The recommendation in a line.

    Returns:
        which margin is enough and on how many photos that rests; or that none is.
    """
    try:
        enough = curves.enough(tolerance)
    except TilingError as error:
        return str(error)
    photos = "1 photo" if enough.photos == 1 else f"{enough.photos} photos"
    line = (
        f"{enough.margin:g} px are enough for a change below {100 * tolerance:g} % of the layer's "
        f"spread at every unit of {photos}"
    )
    if enough.interval is not None:
        low, high = enough.interval
        line += f" (median over photos: 95 % interval {low:g} to {high:g} px)"
    return f"{line}; another photo needs more with a probability of at most {enough.exceeded:.2g}"


def _places(curves: MarginCurves, tolerance: float) -> list[int]:
    """About eight margins, those that are enough among them."""
    last = len(curves.margins) - 1
    places = {round(last * part / 7) for part in range(8)}
    try:
        margin = curves.enough(tolerance).margin
        places |= {place for place, each in enumerate(curves.margins) if each == margin}
    except TilingError:
        pass
    return sorted(places)


def _percent(share: float) -> str:
    return "impossible" if share == float("inf") else f"{100 * share:.0f} %"
