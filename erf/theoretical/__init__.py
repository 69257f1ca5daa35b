"""Theoretical receptive fields: what a unit could read, by rules and by probing with NaN.

theoretical_field(model, layer)     size, stride, padding, and the box of any unit
projective_box(model, layer, box)   the units that a patch can reach
theory(model)                       all layers, as a table
"""

from erf.theoretical.ask import projective_box, theoretical_field
from erf.theoretical.check import disagreement
from erf.theoretical.field import TheoreticalField, UnitTheory
from erf.theoretical.nan import nan_boxes
from erf.theoretical.table import TheoryTable, theory, theory_of
from erf.theoretical.text import describe_field, find_position, table_lines

__all__ = [
    "TheoreticalField",
    "TheoryTable",
    "UnitTheory",
    "describe_field",
    "disagreement",
    "find_position",
    "nan_boxes",
    "projective_box",
    "table_lines",
    "theoretical_field",
    "theory",
    "theory_of",
]
