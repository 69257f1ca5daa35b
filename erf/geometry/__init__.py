"""Arithmetic on pixels and positions, before any tensor: boxes, patch grids, units.

Row before column, half-open, pixels unless said.
"""

from erf.geometry.axis import Relation, Transposed, Whole, Window
from erf.geometry.box import Box
from erf.geometry.grid import PatchGrid
from erf.geometry.unit import Target, UnitName, locate, parse_unit, spread_units

__all__ = [
    "Box",
    "PatchGrid",
    "Relation",
    "Target",
    "Transposed",
    "UnitName",
    "Whole",
    "Window",
    "locate",
    "parse_unit",
    "spread_units",
]
