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

__all__ = [
    "TheoreticalField",
    "TheoryTable",
    "UnitTheory",
    "disagreement",
    "nan_boxes",
    "projective_box",
    "theoretical_field",
    "theory",
    "theory_of",
]
