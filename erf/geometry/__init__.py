"""Arithmetic on pixels and positions, before any tensor: boxes, patch grids, units.

Row before column, half-open, pixels unless said.
"""

from erf.geometry.box import Box
from erf.geometry.grid import PatchGrid
from erf.geometry.unit import Target, UnitName, locate, parse_unit

__all__ = ["Box", "PatchGrid", "Target", "UnitName", "locate", "parse_unit"]
