"""Tiled inference: how much overlap gives what the whole image gives, and how much is enough.

tiling(model, image_size=, tile=)    the tiles, with the least overlap, by theory
tiling_or_bare, bare_tiling          where no overlap is enough: tiles without any
tiled(model, image, plan)            the model run tile by tile
margin_curves, enough_margin         how far tiles are from the whole image, measured on photos
describe_..., tiling_json            all of it in words, and for programs
"""

from erf.tiles.document import tiling_json
from erf.tiles.enough import EnoughMargin, enough_margin
from erf.tiles.measured import MarginCurves, margin_curves
from erf.tiles.plan import Tiling, bare_tiling, tiling, tiling_or_bare
from erf.tiles.stitch import tiled
from erf.tiles.text import describe_margins, describe_photos, describe_tiling

__all__ = [
    "EnoughMargin",
    "MarginCurves",
    "Tiling",
    "bare_tiling",
    "describe_margins",
    "describe_photos",
    "describe_tiling",
    "enough_margin",
    "margin_curves",
    "tiled",
    "tiling",
    "tiling_json",
    "tiling_or_bare",
]
