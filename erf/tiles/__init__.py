"""Tiled inference: how much overlap gives what the whole image gives, and how much is enough.

tiling(model, image_size=, tile=)    the tiles, with the least overlap, by theory
tiled(model, image, plan)            the model run tile by tile
bare_tiling, margin_curves           how far tiles are from the whole image, measured on photos
describe_tiling, describe_margins    both in words
"""

from erf.tiles.measured import EnoughMargin, MarginCurves, margin_curves
from erf.tiles.plan import Tiling, bare_tiling, tiling
from erf.tiles.stitch import tiled
from erf.tiles.text import describe_margins, describe_tiling

__all__ = [
    "EnoughMargin",
    "MarginCurves",
    "Tiling",
    "bare_tiling",
    "describe_margins",
    "describe_tiling",
    "margin_curves",
    "tiled",
    "tiling",
]
