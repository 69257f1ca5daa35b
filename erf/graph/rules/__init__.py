"""The table of spatial rules, one file a kind of operator."""

from erf.graph.rules import contract, cut, pointwise, rearrange, slide, trace
from erf.graph.rules.table import TABLE, effect_of, rule_of

__all__ = [
    "TABLE",
    "contract",
    "cut",
    "effect_of",
    "pointwise",
    "rearrange",
    "rule_of",
    "slide",
    "trace",
]
